"""`fusezap repro`: a scenario as a program for people who do not have fusezap."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness import catalogue, registry
from harness.errors import UsageError
from harness.repro import forms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.repro.file import File
    from harness.scenario import Scenario

HELP = "write a scenario as a C program, a kernel selftest, a shell script or a mail"
DESCRIPTION = """\
Writes a scenario as something that runs without fusezap. The C program is one file for libc alone: it makes the
situation in the same order as `fusezap run`, proves from /proc that it is in place, kills, watches, ends what hangs by
an abort, and reaps. It prints KTAP; its exit status is that of a kernel selftest: 0 free of the defect, or as it has to
be; 1 not so; 4 not exercised.

  fusezap repro exit-flush-self > exit-flush-self.c
  fusezap repro exit-flush-self --form mail
  fusezap repro 'exit-*' healthy --form kselftest --out linux    # a kernel tree, or any folder

A test in the form kselftest goes to tools/testing/selftests/filesystems/fuse, if the folder of --out is a kernel tree.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", nargs="+", help="names or globs of scenarios")
    parser.add_argument("--form", default="c", metavar="FORM", help=f"{', '.join(registry.names(forms))}; default: c")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="write files there; default: one file to standard output"
    )


def execute(args: argparse.Namespace) -> int:
    form = registry.chosen(forms, "form", args.form, "SUMMARY", "files")
    scenarios = catalogue.find(tuple(args.scenario))
    if args.out is not None:
        written = _write(args.form, args.out, scenarios)
        print("\n".join(str(path) for path in written))
        return 0
    files = form.files(scenarios)
    if len(files) != 1:
        raise UsageError(f"there are {len(files)} files: {', '.join(each.name for each in files)}", "add --out DIR")
    sys.stdout.write(files[0].text)
    return 0


def _write(form: str, out: Path, scenarios: tuple[Scenario, ...]) -> list[Path]:
    """Write the files of a form into a folder; selftests are merged with what the folder or the tree has."""
    from harness.repro.forms import kselftest

    if form != "kselftest":
        return _put(out, registry.chosen(forms, "form", form, "files").files(scenarios))
    targets = out / kselftest.TARGETS
    folder = out / kselftest.FOLDER if targets.exists() else out
    there = {path.name: path.read_text() for path in map(folder.joinpath, kselftest.SHARED) if path.exists()}
    written = _put(folder, kselftest.merged(scenarios, there))
    if targets.exists():
        targets.write_text(kselftest.targets(targets.read_text()))
        written.append(targets)
    return written


def _put(folder: Path, files: Sequence[File]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for each in files:
        path = folder / each.name
        path.write_text(each.text)
        if each.executable:
            path.chmod(0o755)
    return [folder / each.name for each in files]
