"""Shared by every suite: the requirements of a machine, and FUSEZAP_REQUIRE=1, which turns a skip into a failure."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import prctl
import psutil
import pytest

from harness.linux.polling import poll


def require(*commands: str, root: bool = False) -> None:
    """Skips the test with the name of everything that is missing, not of the first thing."""
    missing = [command for command in commands if shutil.which(command) is None]
    if root and os.geteuid() != 0:
        missing.append("root")
    if missing:
        pytest.skip(f"missing: {', '.join(missing)}")


def gone(pid: int) -> bool:
    """Within five seconds: nobody may reap it here."""

    def ended() -> bool:
        try:
            return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True

    return poll(5, ended)


@pytest.fixture(autouse=True, scope="session")
def own_runs() -> Iterator[None]:
    """A run folder of this process alone, and its orphans as its children: others on the machine do not count."""
    above = "/run" if os.geteuid() == 0 and os.access("/run", os.W_OK) else None
    folder = tempfile.mkdtemp(prefix="fz-", dir=above)
    os.environ["FUSEZAP_RUN_DIR"] = folder
    prctl.set_child_subreaper(True)
    yield
    del os.environ["FUSEZAP_RUN_DIR"]
    with contextlib.suppress(OSError):  # the last run removes it; what an interrupted suite leaves stays to be cleaned
        os.rmdir(folder)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; those of pytest are open to their owner alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def private_folder(open_folder: Path) -> Path:
    """A folder in one that only its owner may enter; next to it lies `secret`."""
    needed = open_folder / "home" / "a b" / "needed"
    needed.mkdir(parents=True)
    (needed / "file").write_text("for all")
    (open_folder / "home" / "secret").write_text("not for all")
    (open_folder / "home").chmod(0o700)
    return needed


@pytest.fixture(autouse=True)
def signals_restored() -> Iterator[None]:
    """A command that ends in this process ignores signals from then on; what later tests start would inherit that."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than some seconds; `fusezap test --all` runs it")


def pytest_collection_finish() -> None:
    """Thousands of collected tests live to the end: the garbage collector need not look at them again and again."""
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Green must mean tested: where everything is required, what was skipped has failed."""
    report = yield
    if report.skipped and os.environ.get("FUSEZAP_REQUIRE") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and FUSEZAP_REQUIRE=1: {report.longrepr}"
    return report
