"""Tests for tools/testing/selftests/filesystems/fuse of a kernel tree, with kselftest_harness.h."""

from __future__ import annotations

import re

from harness.repro import program, source
from harness.repro.file import File
from harness.scenario import Scenario

SUMMARY = "tests for the kernel's tools/testing/selftests, with Makefile and config; --out TREE merges them there"
FOLDER = "tools/testing/selftests/filesystems/fuse"
"""The folder of the tests in a kernel tree."""
TARGETS = "tools/testing/selftests/Makefile"
"""The list of the folders that have tests."""
SHARED = ("Makefile", "config", ".gitignore")
"""Files of the folder that other tests may have made already."""
CONFIG = ("CONFIG_FUSE_FS=m", "CONFIG_PID_NS=y", "CONFIG_STACKTRACE=y", "CONFIG_CGROUP_FREEZER=y")
_MAKEFILE = """\
# SPDX-License-Identifier: GPL-2.0

CFLAGS += -Wall -O2 -g $(KHDR_INCLUDES)

include ../../lib.mk
"""
_INCLUDE = re.compile(r"^include .*lib\.mk$", re.MULTILINE)
_IGNORED = "# SPDX-License-Identifier: GPL-2.0-only\n"


def files(scenarios: tuple[Scenario, ...]) -> list[File]:
    """Write the tests and the files of a folder that has no others.

    Raises:
        UsageError: a scenario has no C program.
    """
    return merged(scenarios, {})


def merged(scenarios: tuple[Scenario, ...], there: dict[str, str]) -> list[File]:
    """Write the tests, and add them to the files that the folder has already.

    Args:
        scenarios: the scenarios, a test each.
        there: the texts of the folder's `Makefile`, `config` and `.gitignore`, as far as they exist.

    Returns:
        The tests and these three files.  Nothing is added twice.

    Raises:
        UsageError: a scenario has no C program.
    """
    programs = [program.derive(each) for each in scenarios]
    names = [each.ident for each in programs]
    tests = [File(f"{each.ident}.c", source.render(each, kselftest=True)) for each in programs]
    return [
        *tests,
        File("Makefile", _makefile(there.get("Makefile", _MAKEFILE), names)),
        File("config", _with_lines(there.get("config", ""), CONFIG)),
        File(".gitignore", _with_lines(there.get(".gitignore", _IGNORED), names)),
    ]


def targets(makefile: str) -> str:
    """Add the folder to the list of folders of the selftests, in its alphabetical place.

    Args:
        makefile: the text of `TARGETS`.

    Returns:
        The text with the folder; unchanged if it has it.
    """
    line = "TARGETS += filesystems/fuse"
    lines = makefile.splitlines()
    if line in lines:
        return makefile
    listed = [(number, re.match(r"TARGETS \+?= *(\S+)", each)) for number, each in enumerate(lines)]
    before = [number for number, found in listed if found and found[1] < "filesystems/fuse"]
    lines.insert(before[-1] + 1 if before else 0, line)
    return "\n".join(lines) + "\n"


def _makefile(text: str, names: list[str]) -> str:
    """The programs stand before lib.mk, which makes the rules of them; `-pthread` is theirs alone."""
    new = [name for name in names if not re.search(rf"\b{name}\b", text)]
    if not new:
        return text
    listed = "".join(f"TEST_GEN_PROGS += {name}\n" for name in new)
    found = _INCLUDE.search(text)
    at = found.start() if found else len(text)
    flags = "".join(f"$(OUTPUT)/{name}: LDLIBS += -pthread\n" for name in new)
    return f"{text[:at]}{listed}\n{text[at:].rstrip()}\n\n{flags}"


def _with_lines(text: str, lines: tuple[str, ...] | list[str]) -> str:
    known = {re.split(r"[=\s]", line)[0] for line in text.splitlines()}
    return text + "".join(f"{line}\n" for line in lines if line.partition("=")[0] not in known)
