"""The sentence that heads a report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.model.records import Kernel, Mark, Series
from harness.report.conclusion import conclusion
from tests.unit.results import KERNELS, large_report, matrix_report, series_of, skipped_series

DEFECT = series_of("exit-flush-self")
FREE = replace(DEFECT, mark=Mark.PASS)
CONTROL = series_of("healthy")
BEHAVIOUR = series_of("server-stopped")


def under(series: Series, *kernels: Kernel) -> tuple[Series, ...]:
    return tuple(replace(series, kernel=kernel) for kernel in kernels)


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ((), "nothing ran"),
        ((DEFECT, CONTROL), "reproduced: 6.18.44 has the defect"),
        ((FREE, CONTROL), "not reproduced: 6.18.44 is free of the defect"),
        ((BEHAVIOUR,), "as designed under 6.18.44"),
        ((CONTROL,), "as designed under 6.18.44"),
        ((skipped_series("healthy"),), "skipped: this machine lacks what the scenarios need"),
        ((replace(DEFECT, mark=Mark.UNSURE),), "no conclusion about 6.18.44"),
        (
            (DEFECT, replace(CONTROL, mark=Mark.FAIL)),
            "a control failed under 6.18.44: do not trust this harness there",
        ),
        (
            under(DEFECT, *KERNELS[:2]) + under(FREE, KERNELS[2]),
            "reproduced: 6.1.0-49-amd64 and 6.12.43+deb13-amd64 have the defect (2 of 3 kernels)",
        ),
    ],
)
def test_it_says_which_kernels_have_the_defect(series: tuple[Series, ...], expected: str) -> None:
    assert conclusion(series) == expected


def test_many_kernels_are_counted() -> None:
    assert conclusion(large_report(12).series).count("6.12.") == 0


def test_a_matrix_names_the_kernels_that_have_it() -> None:
    assert conclusion(matrix_report().series).startswith("reproduced: 6.1.0-49-amd64")


def test_a_defect_that_was_not_judged_is_no_freedom_from_it() -> None:
    assert conclusion((FREE, replace(DEFECT, mark=Mark.UNSURE))) == "no conclusion about 6.18.44"
