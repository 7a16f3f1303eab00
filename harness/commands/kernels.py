"""`fusezap kernels`: what names a kernel, and what of it is kept."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from urllib.parse import unquote

from harness.commands._fetching import progress_shown
from harness.errors import UsageError
from harness.kernels import spec as kernel_spec
from harness.kernels import store as kernel_store
from harness.kernels.image import Image
from harness.kernels.sources import debian
from harness.vm import root

HELP = "what --kernel takes; fetch and forget kernels"
DESCRIPTION = """\
Without a word: what --kernel takes, and the kernels that were fetched.

fetch SPEC...   has it at hand, with what it runs below where it is for another processor than this machine's; of a
                suite, the newest kernel that the mirror has now
show SPEC...    what it is: release, version, files
prune [SPEC...] removes all that was fetched and unpacked, or only those
"""
ACTIONS = ("list", "fetch", "show", "prune")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", default="list", metavar="ACTION", help=f"{', '.join(ACTIONS)}")
    parser.add_argument("spec", nargs="*", help="for fetch, show and prune")
    parser.add_argument("--json", action="store_true", help="for scripts")


def execute(args: argparse.Namespace) -> int:
    if args.action not in ACTIONS:
        raise UsageError(f"unknown action {args.action!r}", f"there are: {', '.join(ACTIONS)}")
    if args.action != "prune" and (args.action in ("fetch", "show")) != bool(args.spec):
        raise UsageError(f"kernels {args.action} takes {'a SPEC' if not args.spec else 'no SPEC'}")
    if args.action == "prune":
        freed = _pruned(args.spec)
        print(json.dumps({"freed_bytes": freed}) if args.json else f"{freed / 1e6:.0f} MB are free again")
    elif args.action == "list":
        _list(args.json)
    else:
        find = kernel_spec.fetch if args.action == "fetch" else kernel_spec.find
        with progress_shown() as tell:
            images = [find(spec, tell) for spec in args.spec]
            if args.action == "fetch":
                for image in images:
                    root.of(image.machine, tell)
        if args.json:
            print(json.dumps([_record(image) for image in images], indent=2))
        else:
            print("\n".join(_told(image) for image in images))
    return 0


def _pruned(specs: list[str]) -> int:
    if not specs:
        return kernel_store.prune()
    with progress_shown() as tell:
        return sum(kernel_spec.forget(spec, tell) for spec in specs)


def _list(as_json: bool) -> None:
    paths = sorted(kernel_store.specs().glob("*"))
    kept = [image for path in paths if (image := debian.remembered(path, unquote(path.name)))]
    if as_json:
        print(json.dumps([_record(image) for image in kept], indent=2))
        return
    print("a kernel may be named by")
    for source in kernel_spec.sources():
        first, *others = source.EXAMPLES
        print(f"  {first:<52} {source.SUMMARY}")
        print("".join(f"  {other}\n" for other in others), end="")
    print("fetched:" if kept else "none was fetched yet")
    for image in kept:
        print(f"  {image.spec:<28} {image.release:<24} {image.package}")
    print(f"kept in {kernel_store.base()}: {kernel_store.size(kernel_store.base()) / 1e6:.0f} MB")


def _record(image: Image) -> dict[str, object]:
    return {name: None if value is None else str(value) for name, value in asdict(image).items()}


def _told(image: Image) -> str:
    return "\n".join(f"{name:<8} {value}" for name, value in _record(image).items() if value)
