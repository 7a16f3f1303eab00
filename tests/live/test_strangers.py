"""diagnose is right about hangs of FUSE servers that have nothing to do with fusezap: libfuse 3, a packaged one."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.linux import procfs
from harness.linux.fusectl import fusectl_opened
from tests.live.conftest import Fusezap
from tests.live.situations import Situations, below, built, killed, until, wchans
from tests.live.test_diagnose import Document, diagnosed
from tests.live.test_foreign import examples as examples


@pytest.fixture
def situations(tmp_path: Path) -> Iterator[Situations]:
    with fusectl_opened() as ctl:
        assert ctl is not None, "no hang without the means to end it"
        with Situations(built(tmp_path), tmp_path, ctl) as made:
            yield made


def stuck(fusezap: Fusezap, init: int) -> Document:
    until("a task of it waits in vain", lambda: bool(_waiting(init)))
    (finding,) = diagnosed(fusezap)["findings"]
    assert finding["init_pid"] == init
    found: Document = finding
    return found


def resolved(fusezap: Fusezap, finding: Document) -> None:
    done = fusezap("diagnose", "--resolve", finding["id"], "--yes")
    assert done.returncode == 0, done.stdout + done.stderr


def container(situations: Situations, script: str, *arguments: str) -> int:
    """A shell as init of new namespaces; init's PID once the script has said that it is ready."""
    argv = ["unshare", "--pid", "--fork", "--mount", "--propagation", "private", "--kill-child", "--mount-proc"]
    outer = situations.started(*argv, "sh", "-c", script, "sh", *arguments)
    (init,) = procfs.read_children(outer.pid, outer.pid)
    return situations.hold(init)


@pytest.fixture
def stranger(tmp_path: Path) -> str:
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True)
    if flags.returncode:
        pytest.skip("missing: libfuse 3's headers (pkg-config fuse3)")
    program = tmp_path / "stranger"
    source = Path(__file__).with_name("stranger.c")
    subprocess.run(["cc", "-Wall", "-o", program, source, *shlex.split(flags.stdout), "-lpthread"], check=True)
    return str(program)


def test_a_server_by_libfuse_3(fusezap: Fusezap, situations: Situations, stranger: str) -> None:
    init = container(situations, '"$@" & wait', stranger, "-f", "-o", "fsname=situation", situations.point())
    killed(init)
    finding = stuck(fusezap, init)
    assert (finding["outcome"], finding["kind"]) == ("deadlock", "fuse-flush-exit"), finding["reasons"]
    in_zap, _leader_is_zombie, one_left, in_flush, *_ = (check["holds"] for check in finding["form"])
    assert (in_zap, one_left, in_flush) == (True, True, True), "whichever thread is the last to leave"
    resolved(fusezap, finding)


def test_a_client_and_a_server_by_libfuse_3(fusezap: Fusezap, situations: Situations, stranger: str) -> None:
    """The form of the published reproducer: a client waits for its FLUSH, which the server never answers, and the
    server has another file of its own mount open since the client's write."""
    point = situations.point()
    serve = f"STRANGER_NESTED=1 {stranger} -f -o fsname=situation {point}"
    init = container(situations, f"{_mounted(serve, point)} echo text >{point}/file & echo ready; wait")
    server = min(procfs.read_children(init, init))
    until("the server has the other file open", lambda: _holds(server, f"{point}/other"))
    until("the client waits", lambda: bool(_waiting(init)))
    killed(init)
    finding = stuck(fusezap, init)
    assert (finding["outcome"], finding["kind"]) == ("deadlock", "fuse-flush-exit"), finding["reasons"]
    assert finding["connection"]["mount_point"] == point
    assert server in {each["pid"] for each in finding["blockers"]}
    resolved(fusezap, finding)


def test_an_example_of_libfuse_that_serves_itself(fusezap: Fusezap, situations: Situations, examples: Path) -> None:
    """It shows the whole tree, its own mount in it: who opens a file of the mount in the mount makes it do so too."""
    point = situations.point()
    serve = f"{examples}/passthrough_fh -f -o fsname=situation {point}"
    _serves_itself(fusezap, situations, serve, point, f"{point}/etc/hostname", f"{point}{point}/etc/hostname")


def test_a_packaged_server_that_serves_itself(fusezap: Fusezap, situations: Situations) -> None:
    """unionfs-fuse, mounted inside of the folder that it shows."""
    if shutil.which("unionfs") is None:
        pytest.skip("missing: unionfs")
    source = Path(situations.point())
    point = source / "mnt"
    point.mkdir()
    (source / "file").write_text("text")
    serve = f"unionfs -f -o fsname=situation {source}=RW {point}"
    _serves_itself(fusezap, situations, serve, str(point), f"{point}/file", f"{point}/mnt/file")


def _serves_itself(fusezap: Fusezap, situations: Situations, serve: str, point: str, inner: str, outer: str) -> None:
    """`outer`, opened by a client, makes the server open `inner`, on its own mount.

    The client is not init: that one closes its files before it kills the rest, so the server would close `inner` too.
    """
    init = container(situations, f"{_mounted(serve, point)} sleep infinity 9<{outer} & echo ready; wait")
    server = min(procfs.read_children(init, init))
    until(f"the server holds {inner}", lambda: _holds(server, inner))
    until("the client's open() is through", lambda: any(_holds(pid, outer) for pid in below(init) if pid != server))
    killed(init)
    finding = stuck(fusezap, init)
    assert (finding["outcome"], finding["kind"]) == ("deadlock", "fuse-flush-exit"), finding["reasons"]
    assert finding["connection"]["mount_point"] == point
    assert server in {each["pid"] for each in finding["blockers"]}
    resolved(fusezap, finding)


def _mounted(serve: str, point: str) -> str:
    return f'{serve} & until grep -q " {point} .* - fuse" /proc/self/mountinfo; do sleep 0.02; done;'


def _waiting(init: int) -> list[int]:
    """Processes below it with a task that waits for FUSE."""
    return [pid for pid in below(init) if "request_wait_answer" in wchans(pid)]


def _holds(pid: int, path: str) -> bool:
    """Finds them by the names of the links, which are not followed."""
    return any(name == path for _, name in procfs.read_descriptors(pid, pid))
