"""The programs and the harness came to the same on the same kernels, as the two tables of the documentation say."""

from __future__ import annotations

from pathlib import Path

from harness.catalogue import catalogue

DOCS = Path(__file__).parents[3] / "docs"


def table(page: Path) -> dict[tuple[str, str], str]:
    """The cells of all tables of a page whose first column names scenarios: (kernel, scenario) → outcome."""
    found: dict[tuple[str, str], str] = {}
    kernels: list[str] = []
    for line in page.read_text().splitlines():
        cells = [cell.strip(" `*") for cell in line.strip("|").split("|")]
        if cells[0] in ("scenario", "program"):
            kernels = cells[1:]
        elif cells[0] in catalogue():
            found |= {(kernel, cells[0]): outcome for kernel, outcome in zip(kernels, cells[1:], strict=True)}
    return found


def test_both_came_to_the_same() -> None:
    programs, harness = table(DOCS / "how-to" / "repro.md"), table(DOCS / "reference" / "kernels.md")
    kernels = {kernel for kernel, _ in programs}
    assert len(kernels & {kernel for kernel, _ in harness}) >= 4
    assert {name for _, name in programs} == set(catalogue())
    assert {each: harness[each] for each in programs if each in harness} == {
        each: outcome for each, outcome in programs.items() if each in harness
    }
