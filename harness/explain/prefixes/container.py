"""Container logs: `kubectl logs`, `docker logs`, CRI files."""

from __future__ import annotations

ORDER = 50
PATTERN = r"(?:stdout|stderr)\s[FP](?=\s)|\[?pod/\S+\]?(?=\s)|\S+\s+\|(?=\s)"
EXAMPLES = (
    "stdout F ",
    "stderr P ",
    "[pod/a-1/b] ",
    "app-1  | ",
)
