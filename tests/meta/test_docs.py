"""What the documentation shows is whole, and says what the program says."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from harness.catalogue import catalogue
from harness.report.formats import ktap
from harness.report.formats.table import HISTORY
from tests.unit.results import report_of, series_of

DOCS = Path(__file__).parents[2] / "docs"
FARMS = (DOCS / "farms.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", FARMS, re.MULTILINE | re.DOTALL)


def test_the_kernel_table_has_every_scenario_and_begins_with_what_was_fixed_where() -> None:
    text = (DOCS / "kernels.md").read_text()
    assert text.startswith(HISTORY)
    assert {name for name in catalogue() if f"| `{name}` |" not in text} == set()


def test_the_page_of_runtimes_is_what_the_command_writes() -> None:
    """Docker and containerd and runc at least, each with its picture."""
    text = (DOCS / "runtimes.md").read_text()
    assert "`fusezap runtimes --report markdown=" in text
    for name in ("docker", "containerd", "runc"):
        assert f"\n## {name}\n" in text
    assert text.count("DEADLOCK") >= 4


def test_the_examples_for_farms_can_be_read() -> None:
    for block in blocks("yaml"):
        assert isinstance(yaml.safe_load(block), dict)
    for block in blocks("python"):
        compile(block, "farms.md", "exec")


def test_the_pattern_for_lava_reads_our_ktap() -> None:
    (lava,) = (each for each in map(yaml.safe_load, blocks("yaml")) if "actions" in each)
    parse = lava["actions"][0]["test"]["definitions"][0]["repository"]["parse"]
    text = ktap.render(report_of(series_of("exit-flush-self"), series_of("healthy")))
    found = [match for line in text.splitlines() if (match := re.match(parse["pattern"], line))]
    assert {match["result"] for match in found} == set(parse["fixupdict"])
    assert ("ok", "resolved") in {(match["result"], match["test_case_id"]) for match in found}
