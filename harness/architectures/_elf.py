"""Of an ELF file, what tells for which machine it is."""

from __future__ import annotations

import struct

MAGIC = b"\x7fELF"
EM_X86_64 = 62


def is_for(data: bytes, machine: int) -> bool:
    return data[:4] == MAGIC and len(data) >= 20 and struct.unpack_from("<H", data, 18)[0] == machine
