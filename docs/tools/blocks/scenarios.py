"""The catalogue of scenarios, from the files of `scenarios/`."""

from __future__ import annotations

import textwrap

from harness.catalogue import catalogue
from harness.model.terms import Kind
from harness.scenario import Scenario

_KINDS = {
    Kind.DEFECT: "A kernel free of the defect comes to the outcome shown; `fusezap check` passes or fails on it.",
    Kind.BEHAVIOUR: "What FUSE does by design. `check` reports it, and neither passes nor fails on it.",
    Kind.CONTROL: "The outcome shown is right on every kernel. If another one appears, fusezap itself is wrong.",
}


def render(argument: str) -> str:
    """With `argument` `table`, a table per kind; with `all`, a section per scenario."""
    scenarios = sorted(catalogue().values(), key=lambda each: each.name)
    parts = []
    for kind in Kind:
        chosen = [each for each in scenarios if each.kind is kind]
        parts += [f"## {str(kind).capitalize()}s", _KINDS[kind]]
        parts += [_table(chosen)] if argument == "table" else [_section(each) for each in chosen]
    return "\n\n".join(parts)


def _table(scenarios: list[Scenario]) -> str:
    lines = ["| scenario | outcome | what it does |", "|---|---|---|"]
    lines += [f"| `{each.name}` | `{each.want}` | {each.summary} |" for each in scenarios]
    return "\n".join(lines)


def _section(scenario: Scenario) -> str:
    measured = "\n".join(f"- {line}" for line in scenario.measured)
    return "\n\n".join(
        [
            f"### {scenario.name}",
            f"Outcome: `{scenario.want}`. This scenario {scenario.summary}.",
            f"```text\n{textwrap.dedent(scenario.why).strip()}\n```",
            f"Measured:\n\n{measured}",
        ]
    )
