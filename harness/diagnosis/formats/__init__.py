"""Formats of a diagnosis, one per file and pure; each has `SUMMARY` and `render(diagnosis) -> str`.

A format whose `render` shows a summary has `details(diagnosis) -> str` too.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from harness.diagnosis.records import Diagnosis


def rendered(diagnosis: Diagnosis, form: ModuleType, details: bool) -> str:
    """Render a diagnosis.

    Args:
        diagnosis: The findings.
        form: One of the formats.
        details: Whether all that is known is shown, where the format is short otherwise.
    """
    render: Callable[[Diagnosis], str] = getattr(form, "details", form.render) if details else form.render
    return render(diagnosis)
