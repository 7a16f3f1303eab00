"""The wheel, installed in an empty environment and used outside any checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.conftest import require
from tests.meta.tree import ROOT

pytestmark = pytest.mark.slow

SCRIPT = """
import fusezap

result = fusezap.run("exit-flush-self")
assert result.verdict.outcome is fusezap.Outcome.DEADLOCK, result.verdict
assert fusezap.judge(result.verdict.snapshots).outcome is fusezap.Outcome.DEADLOCK
assert result.leftovers == ()
with fusezap.hang("healthy") as container:
    container.kill()
    assert container.verdict().outcome is fusezap.Outcome.RELEASED
assert fusezap.parse_rule("flush:hang").fault == "hang"
assert all(hasattr(fusezap, name) for name in fusezap.__all__)
print(len(fusezap.catalogue()), "scenarios", fusezap.version())
"""
TYPED = """
import fusezap

outcome: fusezap.Outcome = fusezap.run("healthy").verdict.outcome
wrong: int = fusezap.run("healthy").verdict.outcome.value
"""
TESTS = """
import fusezap
from scenarios import MINE


def test_mine():
    assert MINE == 3


def test_a_hang(hang):
    assert hang("exit-flush-self").verdict().outcome is fusezap.Outcome.DEADLOCK


def test_a_disk(misbehaving_fs):
    fs = misbehaving_fs(files={"/data": "hello"})
    assert (fs.path / "data").read_text() == "hello"
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that has the wheel and what it depends on, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    kept = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", ".hypothesis", "tests")
    shutil.copytree(ROOT, source, ignore=kept, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(folder), str(source)], check=True)
    (wheel,) = folder.glob("fusezap-*.whl")
    venv.create(folder / "env", with_pip=True)
    found = folder / "env" / "bin"
    subprocess.run([found / "python", "-m", "pip", "-q", "install", str(wheel)], check=True)
    return found


def outside(bin_folder: Path, folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of that environment in `folder`, with nothing of this checkout in reach."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST"))}
    env["PATH"] = f"{bin_folder}:{env['PATH']}"
    return subprocess.run([str(bin_folder / argv[0]), *argv[1:]], cwd=folder, env=env, capture_output=True, text=True)


def test_the_commands(installed: Path, tmp_path: Path) -> None:
    ran = outside(installed, tmp_path, "fusezap", "run")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "DEADLOCK" in ran.stdout
    assert outside(installed, tmp_path, "fusezap", "--version").stdout.startswith("fusezap ")
    assert outside(installed, tmp_path, "fakefs", "--version").returncode == 0


@pytest.mark.parametrize("page", ["fusezap", "fakefs"])
def test_the_man_pages(installed: Path, tmp_path: Path, page: str) -> None:
    require("man")
    file = installed.parent / "share" / "man" / "man1" / f"{page}.1"
    shown = subprocess.run(["man", "--warnings", "-l", str(file)], cwd=tmp_path, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert "NAME" in shown.stdout
    assert shown.stderr == ""


def test_the_minimal_configuration_of_a_bisect(installed: Path) -> None:
    (found,) = installed.parent.rglob("harness/kernels/build/minimal-kernel.config")
    assert found.read_text() == (ROOT / "docs/examples/minimal-kernel.config").read_text()


def test_the_face(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "it.py").write_text(SCRIPT)
    ran = outside(installed, tmp_path, "python", "it.py")
    assert ran.returncode == 0, ran.stderr
    assert "37 scenarios" in ran.stdout


def test_the_face_is_typed(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "typed.py").write_text(TYPED)
    argv = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(installed / "python"), "typed.py"]
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "MYPYPATH")}
    found = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert found.stdout.count("error:") == 1, found.stdout
    assert 'expression has type "str", variable has type "int"' in found.stdout


def test_a_project_with_a_package_of_the_same_name_as_ours(installed: Path, tmp_path: Path) -> None:
    """`scenarios` is a user's own, and both catalogues are found."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "__init__.py").write_text("MINE = 3\n")
    (tmp_path / "test_it.py").write_text(TESTS)
    ran = outside(installed, tmp_path, "python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 passed" in ran.stdout


def test_a_package_that_stands_before_ours_is_one_error(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "harness").mkdir()
    (tmp_path / "harness" / "__init__.py").write_text("")
    ran = outside(installed, tmp_path, "python", "-c", "import fusezap; fusezap.run('healthy')")
    assert ran.returncode == 1
    last = ran.stderr.strip().splitlines()[-1]
    assert str(tmp_path / "harness") in last
    assert str(installed.parent) in last
