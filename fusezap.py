"""The stable face of fusezap for tests and scripts.

Everything that a user's own code needs has its name here, and keeps it between minor versions.  The packages behind
it (`harness`, `fakefs`) may change their insides.  Times end in their unit: `_s` seconds, `_ms` milliseconds.

Example:
    Does this kernel hang, and is my filesystem prone to it?

        import fusezap

        result = fusezap.run("exit-flush-self")
        print(result.verdict.outcome, result.timings.kill_to_verdict)

        with fusezap.hang(server="myfs --foreground {mountpoint}", hold="/file") as container:
            container.kill()
            assert container.verdict().outcome is fusezap.Outcome.RELEASED
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from fakefs.client import Control as Control
    from fakefs.errors import FakefsError as FakefsError
    from fakefs.journal import Entry as JournalEntry
    from fakefs.parse import parse_spec as parse_rule
    from fakefs.policy import Rule as Rule
    from harness.catalogue import catalogue as catalogue
    from harness.catalogue import find as find_scenarios
    from harness.errors import FusezapError as FusezapError
    from harness.errors import MachineError as MachineError
    from harness.errors import UsageError as UsageError
    from harness.judge.verdict import judge as judge
    from harness.model.records import Result as Result
    from harness.model.records import Snapshot as Snapshot
    from harness.model.records import Verdict as Verdict
    from harness.model.records import WaitGraph as WaitGraph
    from harness.model.terms import Kind as Kind
    from harness.model.terms import Outcome as Outcome
    from harness.pytest_plugin.hang import HangSession as HangSession
    from harness.pytest_plugin.mounted import MountedFakefs as MountedFakefs
    from harness.scenario import Before as Before
    from harness.scenario import Caller as Caller
    from harness.scenario import Exercise as Exercise
    from harness.scenario import Frame as Frame
    from harness.scenario import Holder as Holder
    from harness.scenario import Place as Place
    from harness.scenario import Requirement as Requirement
    from harness.scenario import Scenario as Scenario

_HERE = Path(__file__).resolve().parent
_FROM = {
    "fakefs.client": ("Control",),
    "fakefs.errors": ("FakefsError",),
    "fakefs.journal": (("JournalEntry", "Entry"),),
    "fakefs.parse": (("parse_rule", "parse_spec"),),
    "fakefs.policy": ("Rule",),
    "harness.catalogue": ("catalogue", ("find_scenarios", "find")),
    "harness.errors": ("FusezapError", "MachineError", "UsageError"),
    "harness.judge.verdict": ("judge",),
    "harness.model.records": ("Result", "Snapshot", "Verdict", "WaitGraph"),
    "harness.model.terms": ("Kind", "Outcome"),
    "harness.pytest_plugin.hang": ("HangSession",),
    "harness.pytest_plugin.mounted": ("MountedFakefs",),
    "harness.scenario": ("Before", "Caller", "Exercise", "Frame", "Holder", "Place", "Requirement", "Scenario"),
}
"""Public names by the module that defines them; a pair is (public name, name there).  Imported at first use."""
_PLACES = {
    (each if isinstance(each, str) else each[0]): (module, each if isinstance(each, str) else each[1])
    for module, names in _FROM.items()
    for each in names
}
__all__ = [
    "Before",
    "Caller",
    "Control",
    "Exercise",
    "FakefsError",
    "Frame",
    "FusezapError",
    "HangSession",
    "Holder",
    "JournalEntry",
    "Kind",
    "MachineError",
    "MountedFakefs",
    "Outcome",
    "Place",
    "Requirement",
    "Result",
    "Rule",
    "Scenario",
    "Snapshot",
    "UsageError",
    "Verdict",
    "WaitGraph",
    "catalogue",
    "find_scenarios",
    "hang",
    "judge",
    "misbehaving_fs",
    "observe",
    "parse_rule",
    "read_snapshots",
    "run",
    "version",
]


def version() -> str:
    """The version of fusezap.

    Returns:
        The version, such as `0.7.0`.
    """
    _check_packages()
    from harness import __version__

    return __version__


@contextmanager
def hang(
    scenario: str | Scenario | None = None,
    *,
    server: str | None = None,
    hold: str | None = None,
    patience_s: float | None = None,
    resolver: str | None = None,
) -> Iterator[HangSession]:
    """An armed scenario, to be killed, judged and resolved step by step.

    The scenario runs below a process of its own: it does not matter how many threads the caller has.  Whatever the
    block leaves is released, killed and reaped.

    Args:
        scenario: A scenario of the catalogue by name, or one of the caller's own.
        server: In place of `scenario`: the command of a FUSE server, with `{mountpoint}` in it.
        hold: The path that is held open on the server's mount at the kill; the mount itself if None.
        patience_s: Seconds that tasks which could still move are given before the outcome is `starved`.
        resolver: How `resolve()` ends the hang; `abort` if None.

    Yields:
        The armed scenario.

    Raises:
        UsageError: The name is unknown, or neither or both of `scenario` and `server` are given.
        MachineError: This machine lacks what the scenario needs.
        FusezapError: The scenario could not be armed.
    """
    _check_packages()
    from harness.catalogue import find
    from harness.errors import UsageError as Wrong
    from harness.pytest_plugin.hang import HangSession as Started
    from harness.scenario import foreign

    if (scenario is None) == (server is None):
        raise Wrong("hang() takes a scenario or server=, and not both")
    if server is not None:
        chosen = foreign.scenario(server, hold)
    elif isinstance(scenario, str):
        (chosen,) = find((scenario,))
    else:
        assert scenario is not None
        chosen = scenario
    if resolver is not None:
        from harness.resolve import resolver as resolvers

        resolvers.find(resolver)
    started = Started(chosen, patience_s, resolver)
    try:
        yield started
    finally:
        started.close()


def run(scenario: str | Scenario, *, patience_s: float | None = None, resolver: str | None = None) -> Result:
    """One whole run: arm, kill, judge, resolve, clean up.

    Args:
        scenario: A scenario of the catalogue by name, or one of the caller's own.
        patience_s: As for `hang()`.
        resolver: As for `hang()`.

    Returns:
        The verdict with its evidence, the resolution, the times in milliseconds, and what is left behind: nothing.

    Raises:
        UsageError: The name is unknown.
        MachineError: This machine lacks what the scenario needs.
        FusezapError: The scenario could not be armed.
    """
    with hang(scenario, patience_s=patience_s, resolver=resolver) as armed:
        armed.kill()
        armed.verdict()
        return armed.result()


def observe(pid: int) -> tuple[Snapshot, ...]:
    """Two snapshots of the PID namespace of which a process is the init, whoever made it.

    Args:
        pid: The init of the namespace, as the caller's PID namespace numbers it.

    Returns:
        Two snapshots for `judge()`, the second taken at least one millisecond after the first.

    Raises:
        UsageError: There is no such process, or it is not the init of a PID namespace.
        MachineError: The machine does not let the caller look.
    """
    _check_packages()
    from harness.observe.record import record

    return record(pid)


def read_snapshots(file: Path | str) -> tuple[Snapshot, ...]:
    """Reads a recording of `fusezap run --out` or `fusezap observe --out`.

    Args:
        file: A snapshots.json.

    Returns:
        The snapshots, the oldest first.

    Raises:
        UsageError: The file is no recording of this version.
        OSError: The file cannot be read.
    """
    _check_packages()
    from harness.model import recording

    return recording.load(Path(file).read_text(encoding="utf-8", errors="surrogateescape"), str(file))


@contextmanager
def misbehaving_fs(
    folder: Path,
    *,
    rules: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> Iterator[MountedFakefs]:
    """A mounted fakefs: an in-memory filesystem with a fault policy.

    Args:
        folder: An empty folder of the caller's; the mount is `mnt` in it.
        rules: Rules of the fault policy, such as `read@/data:errno=EIO,times=1`.
        files: Files by path, with their text.
        options: More options of `fakefs`.

    Yields:
        The mounted filesystem: its path, its control socket, its journal.

    Raises:
        LaunchError: It did not come to serving; the message has its own words.
    """
    _check_packages()
    from harness.pytest_plugin.mounted import mounted

    with mounted(folder, tuple(rules), files or {}, tuple(options)) as found:
        yield found


def main() -> NoReturn:
    """The entry of the command `fusezap`."""
    try:
        _check_packages()
    except ImportError as error:
        print(f"fusezap: {error}", file=sys.stderr)
        sys.exit(2)
    from harness.__main__ import run as command_line

    command_line()


def _check_packages() -> None:
    """ImportError, naming both folders, where somebody else's package of the same name stands before ours."""
    for name in ("harness", "fakefs"):
        found = sys.modules.get(name)
        spec = found.__spec__ if found is not None else importlib.util.find_spec(name)
        theirs = Path(spec.origin).resolve().parent if spec is not None and spec.origin else None
        if theirs != _HERE / name:
            raise ImportError(
                f"the package {name!r} that Python finds is {theirs or 'a folder without __init__.py'}, and not "
                f"fusezap's own, {_HERE / name}; rename yours, or keep its folder off sys.path (`python -P`)"
            )


def __getattr__(name: str) -> Any:
    if name == "pytest_plugin":  # the entry point for pytest
        _check_packages()
        return importlib.import_module("harness.pytest_plugin.plugin")
    if name not in _PLACES:
        raise AttributeError(f"module 'fusezap' has no attribute {name!r}")
    _check_packages()
    module, attribute = _PLACES[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
