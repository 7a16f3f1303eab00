"""The programs of a scenario, as argument lists.  Pure: `launch` starts them, `repro` writes them down."""

from __future__ import annotations

from harness.record import record
from harness.scenario import Before, Caller, Holder, Place, Scenario


@record(frozen=True, slots=True)
class Places:
    """The paths of a run."""

    python: tuple[str, ...]
    """The interpreter with `-P -m`: -P keeps files of the working directory from taking the place of modules."""
    name: str
    mount_point: str
    journal: str
    control: str


def server(scenario: Scenario, places: Places) -> list[str]:
    if scenario.command:
        return [word.replace("{mountpoint}", places.mount_point) for word in scenario.command]
    argv = [*places.python, "fakefs", places.mount_point]
    argv += ["--fsname", places.name]
    argv += ["--journal", places.journal]
    for file in scenario.files:
        argv += ["--file", file]
    for rule in scenario.rules:
        argv += ["--rule", rule]
    for option in scenario.mount_options:
        argv += ["-o", option]
    if scenario.holder is Holder.PASSED:
        argv += ["--single-thread"]
    else:
        argv += ["--control", places.control]
    hold = {Holder.SERVER: "--hold", Holder.PASSED: "--hold", Holder.SHARED: "--hold-shared"}.get(scenario.holder)
    if hold is not None:
        argv += [hold, scenario.path]
    if scenario.caller is Caller.SERVER:
        argv += ["--act", f"{scenario.call}={scenario.path}"]
    return argv


def held_path(scenario: Scenario, places: Places) -> str:
    """The path that is held or called upon, below the mount; a user's own path may name the mount point again."""
    return scenario.path.replace("{mountpoint}", places.mount_point)


def beside(scenario: Scenario, places: Places) -> list[list[str]]:
    """The programs of the namespace that are not the server; each says READY=1."""
    programs = [[*places.python, f"harness.launch.programs.{name}"] for name in scenario.programs]
    target = places.mount_point + held_path(scenario, places)
    mounted = ["--mounted", places.mount_point]
    if scenario.holder is Holder.PROCESS:
        programs.append([*places.python, "fakefs.hold", *mounted, target])
    if scenario.caller is Caller.PROCESS:
        argv = [*places.python, "fakefs.act", *mounted]
        argv += ["--at-signal"] if scenario.before is Before.SERVER_STOPPED else []
        programs.append([*argv, scenario.call, target])
    return programs


def inside(scenario: Scenario, places: Places) -> list[list[str]]:
    """All programs of the namespace."""
    first = [server(scenario, places)] if scenario.server is Place.INSIDE else []
    return [*first, *map(list, scenario.commands), *beside(scenario, places)]
