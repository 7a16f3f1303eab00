"""The conclusion about the kernels of a report, in one sentence."""

from __future__ import annotations

from harness.model.records import Kernel, Kind, Mark, Series
from harness.report.cells import kernel_names, kernels_of

_NAMED = 3
"""More kernels are counted, not named."""


def conclusion(every: tuple[Series, ...]) -> str:
    """Say which kernels have the defect, for the head of a report.

    Args:
        every: All the series of the report.

    Returns:
        One sentence without a full stop, such as `reproduced: 6.18.44 has the defect`.
    """
    if not every:
        return "nothing ran"
    names = kernel_names(kernels_of(every))
    by_kernel = {kernel: [series for series in every if series.kernel == kernel] for kernel in names}
    broken = [kernel for kernel, those in by_kernel.items() if _fails(those, Kind.CONTROL)]
    if broken:
        return f"a control failed under {_listed(broken, names)}: do not trust this harness there"
    having = [kernel for kernel, those in by_kernel.items() if _fails(those, Kind.DEFECT)]
    if having:
        verb = "has" if len(having) == 1 else "have"
        return f"reproduced: {_listed(having, names)} {verb} the defect{_of(len(having), len(names))}"
    free = [kernel for kernel, those in by_kernel.items() if _free(those)]
    if free:
        verb = "is" if len(free) == 1 else "are"
        return f"not reproduced: {_listed(free, names)} {verb} free of the defect{_of(len(free), len(names))}"
    if all(series.mark is Mark.SKIPPED for series in every):
        return "skipped: this machine lacks what the scenarios need"
    kernels = [kernel for kernel, those in by_kernel.items() if _expected(those)]
    if kernels:
        return f"as designed under {_listed(kernels, names)}{_of(len(kernels), len(names))}"
    return f"no conclusion about {_listed(list(names), names)}"


def _fails(those: list[Series], kind: Kind) -> bool:
    return any(series.mark is Mark.FAIL and series.about.kind is kind for series in those)


def _free(those: list[Series]) -> bool:
    defects = [series for series in those if series.about.kind is Kind.DEFECT and series.mark is not Mark.SKIPPED]
    return bool(defects) and all(series.mark is Mark.PASS for series in defects)


def _expected(those: list[Series]) -> bool:
    return any(series.mark in (Mark.PASS, Mark.REPORTED) for series in those) and not any(
        series.mark is Mark.UNSURE for series in those
    )


def _listed(kernels: list[Kernel], names: dict[Kernel, str]) -> str:
    if len(kernels) > _NAMED:
        return f"{len(kernels)} kernels"
    listed = [names[kernel] for kernel in kernels]
    return " and ".join(filter(None, (", ".join(listed[:-1]), listed[-1])))


def _of(number: int, every: int) -> str:
    return f" ({number} of {every} kernels)" if every > 1 else ""
