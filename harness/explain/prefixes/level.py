"""The level in words: `dmesg -x`, Alpine's syslog, hand-made tables."""

from __future__ import annotations

ORDER = 25
PATTERN = (
    r"(?:kern|user|daemon|syslog)\s*[:.]\s*(?:emerg|alert|crit|err|error|warn|warning|notice|info"
    r"|debug)\s*:?(?=\s|\[|$)|(?:emerg|alert|crit|err|error|warn|warning|notice|info|debug)\s*:?\s+(?=\[)"
    r"|\[(?:EMERG|ALERT|CRIT(?:ICAL)?|ERR(?:OR)?|WARN(?:ING)?|NOTICE|INFO|DEBUG)\](?=\s)"
    r"|\d{1,3}(?:\.\d{1,3}){3}:\s+(?=kern|user|daemon)"
)
EXAMPLES = (
    "kern  :err   : ",
    "kern.warn ",
    "kern:err: ",
    "warning [129398.234280] ",
    "[ERROR] ",
    "172.20.0.2: kern:     err: ",
)
