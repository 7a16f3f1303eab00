"""Ends a child process of ours, whatever it does."""

from __future__ import annotations

import contextlib
import os
import signal

from harness.linux.polling import poll

_REAP_S = 1.0


def end(pid: int) -> None:
    """Kill a child and reap it; one that hangs beyond the reach of SIGKILL is left to init."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
        poll(_REAP_S, lambda: os.waitpid(pid, os.WNOHANG)[0], 0.002)
