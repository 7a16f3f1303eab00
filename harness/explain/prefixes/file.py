"""The file and line that grep prints."""

from __future__ import annotations

ORDER = 55
PATTERN = (
    r"[\w./~-]*[\w-]\.(?:log|txt|out|gz|dmesg)[:-](?:\d+[:-])?|(?:/var/log/)?(?:dmesg|messages|syslog"
    r"|kern\.log)(?:\.\d+)?:(?:\d+:)?"
)
EXAMPLES = (
    "dmesg.txt:12:",
    "kern.log:",
    "/var/log/messages:",
)
