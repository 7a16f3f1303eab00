"""VMCOREINFO: what every reader of a dump must know first, found in the dumped memory itself.

The kernel fills a page of its own with it (crash_save_vmcoreinfo_init()), and a dump has it in a note besides, where
whoever dumped knew of it.
"""

from __future__ import annotations

import mmap
from pathlib import Path

NOTE = b"VMCOREINFO"
_BEGIN = b"OSRELEASE="
_LINES = (b"\nPAGESIZE=", b"\nSYMBOL(init_uts_ns)=")
_LONGEST = 1 << 16


def find(path: Path) -> bytes | None:
    """Search a dump whose memory is not compressed; None where it is not there.  Raises OSError."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as data:
        at = data.find(_BEGIN)
        while at >= 0:
            text = data[at : at + _LONGEST].partition(b"\0")[0]
            if all(line in text for line in _LINES):
                return text
            at = data.find(_BEGIN, at + 1)
    return None
