"""Templates and what every page of fusezap has in common: one design, one style sheet, one script.

Every text passes through one place where it is escaped: control characters made visible, then HTML's own characters.  A
policy in the page itself allows its one script and its style sheets, by their hashes, and no address at all.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING, Any

from harness.model.kernel_names import MEANING
from harness.model.records import Kind, Mark
from harness.report import cells
from harness.report.page import graph, histogram
from harness.report.proof import MEANS, console_of, others, why, worth
from harness.report.tasks import STATES, task_name, task_notes
from harness.report.text import counted, duration, folded, milliseconds, paragraphs, percent, visible
from harness.report.wait_tree import ROLES

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = "harness.report.page"
_MARKS = {
    Mark.PASS: "every run came to the wanted outcome",
    Mark.FAIL: "the defect was seen, at least once",
    Mark.REPORTED: "a behaviour: there is no right or wrong",
    Mark.UNSURE: "no conclusion can be drawn",
    Mark.SKIPPED: "this machine lacks what the scenario needs",
}
_KINDS = {
    Kind.DEFECT: "a kernel free of the defect comes to the wanted outcome",
    Kind.BEHAVIOUR: "by design: the wanted outcome is that of the measured kernels",
    Kind.CONTROL: "comes to the wanted outcome on every kernel, or the harness is wrong",
}
_LOOKS = {
    "fail": "the defect was seen",
    "pass": "the wanted outcome",
    "reported": "a behaviour, by design",
    "unsure": "no conclusion",
    cells.LOST: "the virtual machine was lost: no conclusion",
    "skipped": "the machine lacks what the scenario needs",
}
_ANSWERS = {True: ("yes", "✔"), False: ("no", "✘"), None: ("unknown", "?")}


def rendered(name: str, package: str = HERE, **values: Any) -> str:
    """Render a page.

    Args:
        name: File name of its template, which extends `base.html`.
        package: The package that has the template; `base.html` and the shared macros are found from each.
        values: What the template is given besides the style sheets and the script.
    """
    style, dark, script = (_data(HERE, each) for each in ("style.css", "dark.css", "script.js"))
    return (
        environment(package)
        .get_template(name)
        .render(
            **values,
            style=style,
            dark=dark,
            script=script,
            style_hashes=f"'{policy_hash(style)}' '{policy_hash(dark)}'",
            script_hash=policy_hash(script),
        )
    )


def macro(file: str, name: str) -> Callable[..., str]:
    """Return a macro of a shared template, to render a part of a page alone."""
    found: Callable[..., str] = getattr(environment(HERE).get_template(file).module, name)
    return found


def policy_hash(text: str) -> str:
    """Name a text as a Content-Security-Policy does that allows it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _data(package: str, name: str) -> str:
    return (resources.files(package) / name).read_text(encoding="utf-8")


@functools.cache
def environment(package: str) -> Environment:
    """Make the template engine; imported here, because listing the formats needs none."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup, escape

    shared = {each.name for each in resources.files(HERE).iterdir()}

    def load(name: str) -> str:
        return _data(HERE if name in shared else package, name)

    def rate(value: float) -> Markup:
        """The number and its sign stay on one line."""
        return Markup(str(escape(percent(value))).replace(" ", "&nbsp;"))

    def shown(value: object) -> object:
        if isinstance(value, float):
            return histogram.place(value)
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    made = Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "console": console_of,
        "counted": counted,
        "duration": duration,
        "folded": folded,
        "ms": milliseconds,
        "others": others,
        "paragraphs": paragraphs,
        "percent": rate,
        "task_name": task_name,
        "task_notes": task_notes,
        "trusted": Markup,
        "why": why,
        "worth": worth,
    }
    made.filters.update(filters)
    made.globals.update(
        answers=_ANSWERS,
        kind_means=_KINDS,
        looks=_LOOKS,
        mark_means=_MARKS,
        meaning=MEANING,
        means=MEANS,
        roles=ROLES,
        signs=cells.SIGNS,
        state_means=STATES,
        strengths=graph.STRENGTHS,
    )
    return made
