"""The time, the task and the tag of Android's logcat."""

from __future__ import annotations

ORDER = 42
PATTERN = r"\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\s+\d+\s+\d+ [VDIWEF] \S{0,64}\s*:(?=\s)"
EXAMPLES = ("06-11 08:00:01.123     0     0 I         : ",)
