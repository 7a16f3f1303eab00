"""The C source of a program, from the parts in `templates`.

Lines that begin with `//%` are statements of Jinja, and `@{ }` is a value: so a part still reads as C.
"""

from __future__ import annotations

import functools
import re
from dataclasses import fields
from importlib import resources
from typing import TYPE_CHECKING

from harness.repro.program import TEMPLATES, Program

if TYPE_CHECKING:
    from jinja2 import Environment


def render(program: Program, kselftest: bool = False) -> str:
    """Write the program.

    Args:
        program: The facts of its scenario.
        kselftest: Use the kernel's kselftest_harness.h, of the folder two above.

    Returns:
        A file of C, with an end of line.
    """
    known = {field.name: getattr(program, field.name) for field in fields(program)}
    for name in ("ident", "client", "thread", "threads", "faults", "lookup", "uses_name", "uses_arg"):
        known[name] = getattr(program, name)
    text = _environment().get_template("program.c").render(**known, kselftest=kselftest)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"


def _part(name: str) -> str:
    """The text of a part.  Jinja's own line statements would swallow the empty line that follows."""
    text = (resources.files(TEMPLATES) / "templates" / name).read_text(encoding="utf-8")
    return re.sub(r"^//% (.*)$", r"/*% \1 %*/", text, flags=re.MULTILINE)


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_part),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        variable_start_string="@{",
        variable_end_string="}",
        block_start_string="/*%",
        block_end_string="%*/",
        comment_start_string="/*#",
        comment_end_string="#*/",
        autoescape=False,
        keep_trailing_newline=True,
    )
