"""`python -m docs.tools`: refresh the generated parts of the documentation, or build or serve the site."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from docs.tools.refresh import stale

CONFIGURATION = Path(__file__).with_name("mkdocs.yml")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m docs.tools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    refresh = commands.add_parser(
        "refresh", help="rewrite the generated blocks, the picture of the rooms, the man pages"
    )
    refresh.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 and list the files that are stale"
    )
    build = commands.add_parser("build", help="build the site; a warning is an error")
    build.add_argument("folder", type=Path, help="where the HTML goes")
    commands.add_parser("serve", help="serve the site on a local port and rebuild it at each change")
    arguments = parser.parse_args(argv)
    if arguments.command == "refresh":
        return _refresh(check=arguments.check)
    if arguments.command == "build":
        return _mkdocs("build", "--strict", "--clean", "--site-dir", str(arguments.folder.resolve()))
    return _mkdocs("serve")


def _refresh(*, check: bool) -> int:
    files = stale()
    for path, text in files.items():
        print(path)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return 1 if check and files else 0


def _mkdocs(command: str, *options: str) -> int:
    argv = [sys.executable, "-m", "mkdocs", command]
    argv += ["--config-file", str(CONFIGURATION)]
    argv += options
    # The theme prints an advertisement for its successor unless this is set.
    return subprocess.run(argv, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
