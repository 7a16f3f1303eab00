"""The host and the program that syslog and the journal name: `host kernel:`."""

from __future__ import annotations

ORDER = 45
PATTERN = (
    r"(?:[\w.<>-]{1,64}\s+)?(?:<?(?:kern|user|daemon)\.\w{3,7}>?\s+)?"
    r"kernel(?:\[\d+\])?\s*(?::|- - -|-\s+-\s+(?:\[[^\]]*\]|-))\s?"
)
EXAMPLES = (
    "host1 kernel: ",
    "kernel: ",
    "host1 kernel[0]: ",
    "host1 kernel - - - ",
    "host1 kern.err kernel: ",
    "host1 <kern.info> kernel: ",
)
