"""`fusezap list`: the scenarios."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from harness import catalogue
from harness.errors import UsageError
from harness.model.terms import Kind

HELP = "the scenarios, what each does and why"
DESCRIPTION = "Lists the scenarios; with a name, tells what the kernel does in it and what was measured."


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", nargs="*", help="tell all about these: names or globs")
    parser.add_argument("--json", action="store_true", help="for scripts")


def execute(args: argparse.Namespace) -> int:
    named = catalogue.find(tuple(args.scenario))
    for broken in catalogue.read_catalogue()[1]:
        print(f"fusezap: {broken}", file=sys.stderr)
    order = list(Kind)
    chosen = named or tuple(sorted(catalogue.catalogue().values(), key=lambda each: order.index(each.kind)))
    if not chosen:
        raise UsageError("there are no scenarios")
    if args.json:
        print(json.dumps([asdict(each) for each in chosen], indent=2))
        return 0
    width = max(len(each.name) for each in chosen)
    for each in chosen:
        comes = "is" if each.kind is Kind.BEHAVIOUR else "wants"
        print(f"{each.name:<{width}}  {each.kind:<9}  {comes:<5} {each.want:<9}  {each.summary}")
        if named:
            print(f"\n{each.why}\n\nmeasured:")
            print("\n".join(f"  - {line}" for line in each.measured) + "\n")
    return 0
