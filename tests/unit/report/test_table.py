"""The page of kernels and scenarios: its first line is what a reader came for."""

from __future__ import annotations

from dataclasses import replace

from lxml import html
from markdown_it import MarkdownIt

from harness.model.records import Kernel, Mark, Report, Series
from harness.report.formats.table import HISTORY, render
from tests.unit.results import KERNELS, matrix_report, report_of, series_of, under

FREE = replace(series_of("healthy"), about=series_of("exit-flush-self").about, mark=Mark.PASS)
HANGS = series_of("exit-flush-self")


def first_line(*series: Series) -> str:
    return render(report_of(*series)).splitlines()[0]


def tables(report: Report) -> list[list[list[str]]]:
    page = html.fromstring(MarkdownIt("commonmark").enable("table").render(render(report)))
    return [
        [[str(cell.xpath("string()")) for cell in row.iter("th", "td")] for row in table.iter("tr")]
        for table in page.iter("table")
    ]


def test_the_first_line_names_where_the_fix_went_and_who_hangs() -> None:
    line = first_line(under(KERNELS[0], HANGS), under(KERNELS[1], HANGS))
    assert line.startswith(HISTORY)
    assert "v6.3-rc1" in line
    assert "v6.6-rc1" in line
    assert f"all 2 kernels measured here still hang: {KERNELS[0].release}, {KERNELS[1].release}." in line


def test_a_kernel_without_it_is_kept_apart_and_so_is_one_that_is_unknown() -> None:
    unsure = replace(FREE, mark=Mark.UNSURE)
    line = first_line(under(KERNELS[0], HANGS), under(KERNELS[1], FREE), under(KERNELS[2], unsure))
    assert f"today hang: {KERNELS[0].release}; are free of it: {KERNELS[1].release}; " in line
    assert f"gave no conclusion: {KERNELS[2].release}." in line


def test_a_hang_that_is_no_deadlock_is_no_sign_of_the_defect_alone() -> None:
    starved = replace(series_of("exit-flush-peer-outside"), mark=Mark.FAIL)
    assert "gave no conclusion" in first_line(under(KERNELS[0], starved))


def test_each_kernel_is_named_exactly_and_each_cell_has_its_outcome() -> None:
    report = matrix_report()
    kernels, defects, *_ = tables(report)
    assert kernels[1:] == [[each.release, each.version, each.machine] for each in KERNELS]
    assert defects[0] == ["scenario", *(each.release for each in KERNELS)]
    cells = {row[0]: row[1:] for row in defects[1:]}
    assert cells["exit-flush-self"] == ["deadlock 20", "deadlock 17 · released 3", "released 20"]
    assert cells["exit-flush-peer-outside"] == ["starved", "lost-vm", "skipped"]


def test_a_name_from_outside_has_no_meaning_of_markdowns() -> None:
    hostile = Kernel("6.1|<b>*x*_y_", "#1 `|` [x](y)", "x86_64")
    kernels, *_ = tables(report_of(under(hostile, HANGS)))
    assert kernels[1] == [hostile.release, hostile.version, hostile.machine]
