"""The C program of each scenario, as text."""

from __future__ import annotations

import re

import pytest

from harness import catalogue
from harness.errors import UsageError
from harness.record import replace
from harness.repro import program, source
from harness.repro.forms import c
from harness.scenario import Place, Scenario

SCENARIOS = tuple(catalogue.catalogue().values())
LINES = {True: 400, False: 300}
"""Most lines of a program, with a FUSE server in it and without."""
each_scenario = pytest.mark.parametrize("chosen", SCENARIOS, ids=lambda each: each.name)


def text(scenario: Scenario) -> str:
    return source.render(program.derive(scenario))


@each_scenario
def test_it_is_short_and_no_part_of_the_template_is_left(chosen: Scenario) -> None:
    written = text(chosen)
    assert len(written.splitlines()) <= LINES[chosen.server is not Place.NOWHERE]
    assert not re.search(r"@\{|/\*%|%\*/|//%", written)
    assert "\n\n\n" not in written
    assert max(map(len, written.expandtabs(8).splitlines())) <= 100


@each_scenario
def test_its_head_says_what_it_is(chosen: Scenario) -> None:
    written = text(chosen)
    head = " ".join(written[: written.index(" */")].replace("\n *", " ").split())
    assert written.startswith("// SPDX-License-Identifier: GPL-2.0\n/*\n")
    for words in (f"{chosen.name}: {chosen.summary}.", *chosen.measured, "Exit status", "needs root"):
        assert words in head
    assert f"cc -o repro -Wall -Wextra -pthread {chosen.name}.c" in head


@each_scenario
def test_it_holds_the_means_to_end_the_hang_before_it_kills(chosen: Scenario) -> None:
    written = text(chosen)
    armed = written[written.index("static int armed(") : written.index("static const char *watch(")]
    assert "kill(" not in armed
    assert armed.index("spawn(keeper)") < armed.index("shared->target = spawn(")
    if chosen.server is not Place.NOWHERE:
        assert armed.index("access(shared->abort, W_OK)") < armed.index("shared->go = 1")


def test_a_rule_becomes_a_condition_of_the_server() -> None:
    held = "if (in->opcode == FUSE_FSYNC && node == 2) {\n\t\tshared->held = 1;\n\t\treturn;"
    assert held in text(catalogue.catalogue()["fsync-self"])
    delayed = "if (in->opcode == FUSE_FLUSH)\n\t\tusleep(1500000);"
    assert delayed in text(catalogue.catalogue()["flush-delayed"])
    refused = "if (in->opcode == FUSE_FLUSH)\n\t\treturn answer(in, ENOSYS, NULL, 0);"
    assert refused in text(catalogue.catalogue()["flush-enosys"])


def test_a_server_that_is_not_ours_has_no_program() -> None:
    scenario = replace(catalogue.catalogue()["healthy"], command=("sshfs", "{mountpoint}"))
    with pytest.raises(UsageError, match="no C program of healthy: it runs programs of yours"):
        c.files((scenario,))


def test_a_part_that_is_missing_is_named() -> None:
    scenario = replace(catalogue.catalogue()["sleepers"], programs=("dancers",))
    with pytest.raises(UsageError, match=r"templates has no programs/dancers\.c"):
        c.files((scenario,))
