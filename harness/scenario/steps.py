"""A scenario in words: the steps that lead to it by hand, and what the reports say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.scenario import Before, Caller, Frame, Holder, Place, Scenario

if TYPE_CHECKING:
    from harness.model.records import About


def steps(scenario: Scenario) -> tuple[str, ...]:
    """The steps that lead to it by hand, a sentence each."""
    found = [_FRAMES[scenario.frame]]
    if scenario.command:
        found.append(f"The FUSE server `{' '.join(scenario.command)}` runs in it.")
    elif scenario.server is not Place.NOWHERE and scenario.frame is not Frame.PROCESS:
        where = "in it" if scenario.server is Place.INSIDE else "outside, and its mount is seen inside"
        found.append(f"A FUSE server runs {where}.")
    found += [f"Its rule: {rule}." for rule in scenario.rules]
    found += [f"Mounted with -o {option}." for option in scenario.mount_options]
    found += [f"A program in it: {name} (harness/launch/programs/{name}.py)." for name in scenario.programs]
    if scenario.holder is not Holder.NOBODY:
        found.append(f"{_HOLDERS[scenario.holder]} holds {scenario.path} of the mount open.")
    if scenario.caller is not None:
        who = "A thread of the server" if scenario.caller is Caller.SERVER else "A process inside"
        found.append(f"{who} makes the call `{scenario.call}` on {scenario.path}.")
    if scenario.before is not None:
        found.append(_BEFORE[scenario.before])
    found.append(
        "SIGKILL is sent to init." if scenario.frame is not Frame.PROCESS else "SIGKILL is sent to the server."
    )
    return tuple(found)


_FRAMES = {
    Frame.NAMESPACE: "A PID namespace is made, with an init that reaps.",
    Frame.NESTED: "A PID namespace is made, and in it another one, each with an init that reaps.",
    Frame.PROCESS: "A FUSE server runs as a plain process.",
}
_HOLDERS = {
    Holder.SERVER: "A thread of the server, with a descriptor table of its own (unshare(CLONE_FILES)),",
    Holder.SHARED: "A thread of the server",
    Holder.PASSED: "The only thread of the server, which was passed the descriptor (SCM_RIGHTS),",
    Holder.PROCESS: "A process inside",
}
_BEFORE = {
    Before.SERVER_STOPPED: "The server is stopped with SIGSTOP, before any call is made.",
    Before.SERVER_EXITS: "The server calls exit_group(2).",
    Before.TRACED: "A process outside seizes a task (PTRACE_SEIZE) and never waits.",
    Before.FROZEN: "The tasks below init are frozen by their cgroup.",
}


def about(scenario: Scenario) -> About:
    """Its description in reports."""
    from harness.model.records import About  # late: a scenario that is only run has no need of the records yet

    return About(
        scenario.name, scenario.kind, scenario.summary, scenario.why, scenario.measured, scenario.want, steps(scenario)
    )
