"""A record of the kernel's log as /dev/kmsg and netconsole give it, and the journal's export and verbose forms."""

from __future__ import annotations

ORDER = 12
PATTERN = r"\d{1,4},\d{1,20},\d{1,20},[^;\s]{1,80};|MESSAGE="
EXAMPLES = (
    "3,1234,5678901,-;",
    "6,1234,5678901,c,caller=T101;",
    "MESSAGE=",
)
