"""fcntl locks that the kernel keeps, or the server."""

import signal

import pytest

from fakefs.errors import ControlError
from tests.live.fakefs.conftest import PATIENCE, Serve

TAKE = (
    "import fcntl\n"
    "fd = os.open(sys.argv[1], os.O_RDWR)\n"
    "fcntl.lockf(fd, fcntl.LOCK_EX)\n"
    "print('taken', flush=True)\n"
    "sys.stdin.readline()\n"
)
TRY = (
    "import fcntl\n"
    "fd = os.open(sys.argv[1], os.O_RDWR)\n"
    "try: fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    "except OSError as error: print(-error.errno)\n"
    "else: print('taken')\n"
)


@pytest.mark.parametrize("words", [(), ("--locks",)])
def test_locks_exclude_each_other(serve: Serve, words: tuple[str, ...]) -> None:
    served = serve("--file", "/f", *words)
    first = served.python(TAKE, served.mnt / "f")
    assert first.stdout is not None
    assert first.stdout.readline() == "taken\n"
    assert served.finish(served.python(TRY, served.mnt / "f")) == "-11\n"
    second = served.python(TAKE, served.mnt / "f")
    if words:
        served.control.wait("called", "lock", count=2, timeout=PATIENCE)
    served.finish(first, "go\n")
    assert served.finish(second, "go\n") == "taken\n"
    assert served.finish(served.python(TRY, served.mnt / "f")) == "taken\n"
    assert ("lock" in served.control.status().totals) is bool(words)


def test_a_rule_for_locks(serve: Serve) -> None:
    served = serve("--file", "/f", "--rule", "lock:errno=ENOLCK,times=1")
    assert served.finish(served.python(TRY, served.mnt / "f")) == "-37\n"
    assert served.finish(served.python(TRY, served.mnt / "f")) == "taken\n"


def test_a_task_that_waits_for_a_lock_can_be_killed(serve: Serve) -> None:
    served = serve("--file", "/f", "--locks")
    first = served.python(TAKE, served.mnt / "f")
    assert first.stdout is not None
    assert first.stdout.readline() == "taken\n"
    second = served.python(TAKE, served.mnt / "f")
    served.control.wait("called", "lock", count=2, timeout=PATIENCE)
    second.send_signal(signal.SIGKILL)
    assert second.wait(PATIENCE) == -signal.SIGKILL
    served.finish(first, "go\n")


def test_a_rule_for_locks_that_never_arrive_is_refused(serve: Serve) -> None:
    served = serve()
    with pytest.raises(ControlError, match="rule #2: operations: 'lock' never arrives"):
        served.control.set(["open:hang", "lock:hang"])
    served.control.set(["any:delay=0.001"])
