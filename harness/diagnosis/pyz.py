"""Makes `fusezap.pyz`: what diagnose and explain need of the program, and nothing else, as a zip file that Python runs.

An interpreter of its own imports all of it and lists what it has loaded.  The templates of the HTML page come along,
and the template engine, whose modules are pure Python (markupsafe's compiled half is optional).
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

from harness import files
from harness.errors import MachineError, UsageError

ROOT = Path(__file__).parents[2]
_MAIN = b"from harness.pyz import main\n\nmain()\n"
_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that the format can say."""
_ASK = """
import json, sys
from harness import cli, pyz, registry
from harness.judge import waits
from harness.observe import means
from harness.commands import _parser, diagnose, explain
from harness.blockers import table
from harness.explain import dialects, formats as explained, prefixes
from harness.diagnosis import formats, trace, vmcore
from harness.diagnosis.shapes import families
registry.modules(waits)
registry.modules(means)
registry.modules(formats)
registry.modules(families)
import jinja2, markupsafe
registry.modules(explained)
registry.modules(dialects)
registry.modules(prefixes)
table.rows()
print(json.dumps([getattr(each, "__file__", "") or "" for each in sys.modules.values()]))
"""
_PAGES = ("harness/report/page", "harness/diagnosis/formats")
_ENGINE = ("jinja2", "markupsafe")


def needed() -> dict[Path, Path]:
    """Find the files that go into the archive: by their path in it, where they are."""
    done = subprocess.run([sys.executable, "-c", _ASK], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MachineError(f"diagnose cannot be imported: {done.stderr.strip().splitlines()[-1]}")
    paths = [Path(each) for each in json.loads(done.stdout) if each]
    own = (ROOT / "harness", ROOT / "fakefs")
    needed = {path.relative_to(ROOT): path for path in paths if any(map(path.is_relative_to, own))}
    for folder in _PAGES:
        found = (ROOT / folder).iterdir()
        needed |= {path.relative_to(ROOT): path for path in found if path.suffix in (".html", ".css", ".js")}
    return dict(sorted((needed | _engine(paths)).items()))


def _engine(paths: list[Path]) -> dict[Path, Path]:
    """The modules of the template engine, and the licences under which they may be passed on."""
    found: dict[Path, Path] = {}
    for name in _ENGINE:
        package = next(path.parent for path in paths if path.parent.name == name)
        found |= {Path(name) / path.name: path for path in package.glob("*.py")}
        distribution = metadata.distribution(name)
        for file in distribution.files or ():
            if file.name.startswith("LICENSE"):
                found[Path(name) / file.name] = Path(str(distribution.locate_file(file)))
    return found


def build(target: Path) -> int:
    """Make the file; of the same sources, with the same zlib, it is the same to the last byte.

    Args:
        target: the file; who reads it meanwhile sees the old one or the new one.

    Returns:
        Its size in bytes.

    Raises:
        UsageError: it cannot be written.
    """
    data = archive({name.as_posix(): path.read_bytes() for name, path in needed().items()})
    try:
        files.replace_bytes(target, data)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}", "choose another --output") from error
    return len(data)


def archive(members: dict[str, bytes]) -> bytes:
    """Pack files into what Python runs: in the order of their names, of one time, with one mode.

    Args:
        members: content by path.
    """
    packed = io.BytesIO()
    packed.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as stream:
        for name, content in sorted({**members, "__main__.py": _MAIN}.items()):
            member = zipfile.ZipInfo(name, _TIME)
            member.external_attr = 0o644 << 16
            member.create_system = 3  # Unix
            member.compress_type = zipfile.ZIP_DEFLATED
            stream.writestr(member, content)
    return packed.getvalue()
