"""./fusezap: what it installs, what it notices, what it says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.linux.polling import wait_until
from tests.conftest import require
from tests.setup.conftest import CHECKOUT, environment, run

SHELLS = (("dash",), ("bash", "--posix"), ("busybox", "sh"))


@pytest.mark.slow
def test_shellcheck_is_content() -> None:
    require("shellcheck")
    done = subprocess.run(["shellcheck", str(CHECKOUT / "fusezap"), str(CHECKOUT / ".ci/run")], capture_output=True)
    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_every_posix_shell_runs_it(made: Path, shell: tuple[str, ...]) -> None:
    require(shell[0])
    done = subprocess.run([*shell, str(made / "fusezap"), "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("fusezap ")


@pytest.mark.slow
def test_the_first_start_says_what_it_does_and_stdout_is_the_programs(copy: Path) -> None:
    done = run(copy, "list", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[")
    assert "making the environment" in done.stderr
    again = run(copy, "list", "--json")
    assert (again.stdout, again.stderr) == (done.stdout, "")


@pytest.mark.slow
def test_the_second_start_needs_no_network(made: Path) -> None:
    done = subprocess.run(["unshare", "--net", str(made / "fusezap"), "list"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_it_runs_from_anywhere_and_through_a_link(made: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(os.path.relpath(made / "fusezap", tmp_path))
    assert subprocess.run([str(link), "--version"], cwd="/", capture_output=True).returncode == 0
    relative = os.path.relpath(made / "fusezap", tmp_path)
    assert subprocess.run([relative, "--version"], cwd=tmp_path, capture_output=True).returncode == 0
    path = environment(PATH=f"{made}:{os.environ['PATH']}")
    assert subprocess.run(["sh", "-c", "fusezap --version"], env=path, cwd="/", capture_output=True).returncode == 0


@pytest.mark.slow
def test_a_changed_pyproject_is_noticed(made: Path) -> None:
    project = made / "pyproject.toml"
    before = project.read_text()
    project.write_text(before + "\n# changed\n")
    try:
        assert "pyproject.toml has changed" in run(made, "--version").stderr
        assert run(made, "--version").stderr == ""
    finally:
        project.write_text(before)
        run(made, "--version")


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["removed", "half built", "interpreter gone"])
def test_a_damaged_environment_is_repaired(made: Path, damage: str) -> None:
    env = made / ".venv"
    if damage == "removed":
        shutil.rmtree(env)
    elif damage == "half built":
        (env / "fusezap.stamp").unlink()
    else:
        for link in (env / "bin").glob("python*"):
            link.unlink()
        (env / "bin" / "python").symlink_to("/nonexistent/python3.11")
    done = run(made, "--version")
    assert done.returncode == 0, done.stderr
    assert "making the environment" in done.stderr
    assert done.stdout.startswith("fusezap ")


@pytest.mark.slow
def test_two_first_starts_at_once(copy: Path) -> None:
    argv = [str(copy / "fusezap"), "--version"]
    both = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [each.communicate(timeout=300) for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    assert sum("making the environment" in errors for _, errors in said) == 1
    assert sum("waiting for process" in errors for _, errors in said) == 1


@pytest.mark.slow
def test_a_lock_of_the_dead_is_taken_over(copy: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    lock = copy / ".venv.lock"
    lock.mkdir()
    (lock / "pid").write_text(f"{dead.pid}\n")
    done = run(copy, "--version")
    assert done.returncode == 0, done.stderr
    assert "taking over" in done.stderr
    assert not lock.exists()


@pytest.mark.slow
def test_an_interrupted_set_up_is_repaired(copy: Path) -> None:
    first = subprocess.Popen([str(copy / "fusezap"), "--version"], stderr=subprocess.PIPE, start_new_session=True)
    wait_until("the environment is being made", 60, (copy / ".venv/bin/python").exists)
    os.killpg(first.pid, 2)
    first.communicate(timeout=60)
    assert first.returncode != 0
    done = run(copy, "--version")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("fusezap ")


@pytest.mark.slow
def test_a_read_only_checkout_works(copy: Path, tmp_path: Path) -> None:
    script = 'mount --bind -o ro "$1" "$1" && exec "$1/fusezap" list'
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", str(copy)]
    cache = environment(XDG_CACHE_HOME=str(tmp_path / "cache"))
    done = subprocess.run(argv, env=cache, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "exit-flush-self" in done.stdout
    assert not (copy / ".venv").exists()
    assert list((tmp_path / "cache" / "fusezap").iterdir())
    again = subprocess.run(argv, env=cache, capture_output=True, text=True, timeout=300)
    assert (again.returncode, again.stderr) == (0, "")


SYSTEMS = {
    "ID=debian": "apt-get install -y --no-install-recommends",
    "ID=ubuntu\nID_LIKE=debian": "apt-get install -y --no-install-recommends",
    "ID=linuxmint\nID_LIKE='ubuntu debian'": "apt-get install -y --no-install-recommends",
    "ID=fedora": "dnf install -y",
    'ID="rocky"\nID_LIKE="rhel centos fedora"': "dnf install -y",
    "ID=arch": "pacman -Sy --needed --noconfirm",
    "ID=alpine": "apk add",
    'ID="opensuse-leap"\nID_LIKE="suse opensuse"': "zypper --non-interactive install",
}
LIBFUSE = {"apt-get": "libfuse2", "dnf": "fuse-libs", "pacman": "fuse2", "apk": "fuse", "zypper": "libfuse2"}


def on_a_bare(system: str, folder: Path, copy: Path, *wrapper: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """A machine without any Python, by the os-release given: PATH has a shell's tools and nothing else."""
    tools = folder / "tools"
    tools.mkdir()
    for name in ("sh", "cmp", "id", "readlink", "tail", "mkdir", "rm"):
        (tools / name).symlink_to(shutil.which(name) or "")
    release = folder / "os-release"
    release.write_text(system + "\n")
    script = 'mount --bind "$1" /etc/os-release && shift && exec "$@"'
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", str(release)]
    env = {"PATH": str(tools), "HOME": str(folder), **changes}
    command = [*argv, "env", "-i", *(f"{key}={value}" for key, value in env.items()), *wrapper, str(copy / "fusezap")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_system_is_told_its_one_command(system: str, copy: Path, tmp_path: Path) -> None:
    done = on_a_bare(system, tmp_path, copy, FUSEZAP_NO_INSTALL="1")
    assert done.returncode == 2
    assert done.stdout == ""
    (command,) = (line for line in done.stderr.splitlines() if SYSTEMS[system] in line)
    assert LIBFUSE[SYSTEMS[system].split()[0]] in command.split()
    assert "libcap" in command
    for reason in ("Python 3.11", "libfuse 2", "C compiler"):
        assert reason in done.stderr


def test_an_unknown_system_is_told_what_is_missing(copy: Path, tmp_path: Path) -> None:
    done = on_a_bare("ID=plan9", tmp_path, copy)
    assert done.returncode == 2
    assert "this system is not known" in done.stderr


def test_without_root_the_command_has_sudo(copy: Path, tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if folder != Path("/tmp") and folder.is_relative_to("/tmp"):
            folder.chmod(0o755)
    setpriv = shutil.which("setpriv") or "setpriv"
    done = on_a_bare("ID=debian", tmp_path, copy, setpriv, "--reuid", "65534", "--regid", "65534", "--clear-groups")
    assert done.returncode == 2, done.stderr
    assert "sudo sh -c 'apt-get update" in done.stderr


def test_a_failed_installation_shows_why(copy: Path, tmp_path: Path) -> None:
    done = on_a_bare("ID=alpine", tmp_path, copy)
    assert done.returncode == 2
    assert "the installation failed" in done.stderr
    assert "apk" in done.stderr


@pytest.mark.parametrize(("command", "status"), [("check", 128), ("judge", 3), ("diagnose", 3), ("list", 2)])
@pytest.mark.parametrize("python", ["without the project", "that cannot be executed"])
def test_a_broken_environment_is_an_error_and_no_answer(command: str, status: int, python: str, tmp_path: Path) -> None:
    """Python ends with 1 where it finds no module, and a shell with 126 where it finds no program: git bisect run would
    call the commit bad."""
    folder = tmp_path / "a path, with 'odd' (characters)"
    (folder / ".venv/bin").mkdir(parents=True)
    for name in ("fusezap", "pyproject.toml"):
        shutil.copy(CHECKOUT / name, folder / name)
    shutil.copy(CHECKOUT / "pyproject.toml", folder / ".venv/fusezap.stamp")
    if python == "without the project":
        (folder / ".venv/bin/python").symlink_to(sys.executable)
    else:
        (folder / ".venv/bin/python").write_text("#!/no/such/interpreter\n")
        (folder / ".venv/bin/python").chmod(0o755)
    done = run(folder, command, env=environment(PYTHONPATH="", FUSEZAP_NO_INSTALL="1"))
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr
