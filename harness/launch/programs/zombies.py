"""A process whose children have ended, and which never reaps them."""

from __future__ import annotations

import os
import signal

from fakefs.notify import notify

CHILDREN = 5


def main() -> None:
    children = [os.fork() for _ in range(CHILDREN)]
    if 0 in children:
        os._exit(0)
    for child in children:
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    notify("READY=1", f"STATUS={CHILDREN} zombies are there")
    signal.pause()


if __name__ == "__main__":
    main()
