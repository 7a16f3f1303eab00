"""Makes `fusezap.pyz`: what diagnose needs of the program, and nothing else, as a zip file that Python runs.

What it needs is asked of an interpreter that has imported all of it, in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipapp
from pathlib import Path

from harness.errors import MachineError, UsageError

ROOT = Path(__file__).parents[2]
_ENTRY = "harness.pyz:main"
_ASK = """
import json, sys
from harness import cli, pyz, registry
from harness.judge import waits
from harness.commands import diagnose
from harness.diagnosis import formats, trace, vmcore
registry.modules(waits)
registry.modules(formats)
print(json.dumps([getattr(each, "__file__", "") or "" for each in sys.modules.values()]))
"""


def needed() -> list[Path]:
    """Files below the root of the program."""
    done = subprocess.run([sys.executable, "-c", _ASK], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MachineError(f"diagnose cannot be imported: {done.stderr.strip().splitlines()[-1]}")
    paths = [Path(each) for each in json.loads(done.stdout) if each]
    return sorted(path.relative_to(ROOT) for path in paths if path.is_relative_to(ROOT / "harness"))


def build(target: Path) -> int:
    """Its size in bytes; who reads the target meanwhile sees the old one or the new one."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        for path in needed():
            copy = tree / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((ROOT / path).read_bytes())
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            zipapp.create_archive(tree, beside, "/usr/bin/env python3", _ENTRY, compressed=True)
            os.replace(beside, target)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise UsageError(f"{target} cannot be written: {error.strerror}", "choose another --output") from error
    return target.stat().st_size
