"""A bug report as a mail, with the C program inline."""

from __future__ import annotations

import textwrap

from harness.model.terms import Kind
from harness.repro import program, source
from harness.repro.file import File
from harness.scenario import Place, Scenario

SUMMARY = "a bug report as a mail, with the C program inline"
_MAIL = """\
To: linux-fsdevel@vger.kernel.org
Cc: linux-kernel@vger.kernel.org
Subject: {subject}

Hello,

{opening}

{why}

{measured}

{expected}

The program below needs root, and nothing but libc. It makes the situation in a
decided order, proves from /proc that it is in place before it sends SIGKILL,
prints the stacks of the tasks that stay, and ends what hangs{ending}.
It prints KTAP; its exit status is that of a kernel selftest.

  cc -o repro -Wall -Wextra -pthread {name}.c
  sudo ./repro; echo $?; uname -r

-- >8 -- {name}.c -- >8 --
{program}-- >8 --
"""
_EXPECTED = {
    Kind.DEFECT: "Expected: the namespace goes away, and the program exits with 0. It exits with 1 where the kernel "
    "has the defect.",
    Kind.CONTROL: "This is a control: the program exits with 0 on every kernel measured, and a change that alters that "
    "breaks something.",
    Kind.BEHAVIOUR: "Kernels do this by design so far: the program reports it as an expected failure (XFAIL).",
}


def files(scenarios: tuple[Scenario, ...]) -> list[File]:
    """Write a mail for each scenario.

    Raises:
        UsageError: a scenario has no C program.
    """
    return [File(f"{each.name}.eml", _mail(each)) for each in scenarios]


def _mail(scenario: Scenario) -> str:
    area = "pid namespaces" if scenario.server is Place.NOWHERE else "fuse"
    measured = [f"  {line}" for line in scenario.measured]
    return _MAIL.format(
        subject=f"{area}: {scenario.name}: a program that {scenario.summary}",
        opening=_wrapped(f"the program below {scenario.summary}."),
        why="\n\n".join(_wrapped(part.replace("\n", " ")) for part in scenario.why.split("\n\n")),
        measured="Measured:\n" + "\n".join(textwrap.fill(line, 79, subsequent_indent="    ") for line in measured),
        expected=_wrapped(_EXPECTED[scenario.kind]),
        ending="" if scenario.server is Place.NOWHERE else ", by an abort of\nthe connection",
        name=scenario.name,
        program=source.render(program.derive(scenario)),
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 79)
