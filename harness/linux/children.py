"""Ends a child process of ours, whatever it does."""

from __future__ import annotations

import contextlib
import os
import signal
import time

_REAP_S = 1.0


def end(pid: int) -> None:
    """Kill a child and reap it; one that hangs beyond the reach of SIGKILL is left to init."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + _REAP_S
        while os.waitpid(pid, os.WNOHANG)[0] == 0 and time.monotonic() < until:
            time.sleep(0.002)
