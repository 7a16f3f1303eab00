"""The C programs of `fusezap repro` under other kernels: `python -m tests.vm.repro SPEC...` prints a table in Markdown.

The programs are linked statically here, and each machine runs them one after the other. An outcome is bold where it
differs from what the catalogue says of the kernels that hang.
"""

from __future__ import annotations

import datetime
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.catalogue import catalogue
from harness.model.terms import Kind
from harness.repro.forms import c
from harness.scenario import Scenario

MUSL = (
    *("musl-gcc", "-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"),
    *("-static", "-Os", "-s", "-Wall", "-Wextra", "-Werror"),
)
"""musl's compiler does not see the kernel's headers, which Debian keeps with those of glibc."""
_RESULT = re.compile(
    r"^(?:ok|not ok) 1 (?P<name>\S+?)(?:: (?P<plain>.+)| # XFAIL (?P<xfail>.+)| # SKIP (?P<skip>.+))$", re.MULTILINE
)


def compiled(scenarios: tuple[Scenario, ...], folder: Path, compiler: tuple[str, ...] = MUSL) -> None:
    """Write and build the program of each scenario, under its name.

    Raises:
        subprocess.CalledProcessError: a compiler complains.
    """

    def one(scenario: Scenario) -> None:
        (file,) = c.files((scenario,))
        (folder / file.name).write_text(file.text)
        argv = [*compiler, "-o", str(folder / scenario.name), str(folder / file.name)]
        subprocess.run(argv, check=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, scenarios))


def outcomes(text: str) -> dict[str, str]:
    """The outcome of each program in what all of them have printed; `not exercised: …` for one that was skipped."""
    return {
        each["name"]: each["plain"] or each["xfail"] or f"not exercised: {each['skip']}"
        for each in _RESULT.finditer(text)
    }


def under(spec: str, folder: Path, scenarios: tuple[Scenario, ...]) -> tuple[str, dict[str, str]]:
    """Boot a kernel and run the programs: the kernel's release, and the outcomes."""
    from tests.vm import inside

    lines = ["uname -r", *(f"./{each.name}" for each in scenarios)]
    told = inside.told(spec, "\n".join(lines), deadline_s=900, files=folder)
    return told.split("\n", 1)[0].strip(), outcomes(told)


def main(specs: list[str]) -> int:
    scenarios = tuple(sorted(catalogue().values(), key=lambda each: list(Kind).index(each.kind)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "programs"
        folder.mkdir()
        compiled(scenarios, folder)
        columns = [under(spec, folder, scenarios) for spec in specs]
    print(f"Measured on {datetime.date.today()}:\n\n    python -m tests.vm.repro {shlex.join(specs)}\n")
    print("| program | " + " | ".join(release for release, _ in columns) + " |")
    print("|---|" + "---|" * len(columns))
    for each in scenarios:
        print(f"| `{each.name}` | " + " | ".join(found.get(each.name, "no answer") for _, found in columns) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
