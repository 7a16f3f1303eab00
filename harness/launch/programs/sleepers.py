"""Four processes and a thread that sleep: nothing that a SIGKILL would not end."""

from __future__ import annotations

import os
import signal
from _thread import start_new_thread

from fakefs.notify import notify

CHILDREN = 3


def main() -> None:
    for _ in range(CHILDREN):
        if os.fork() == 0:
            signal.pause()
    start_new_thread(signal.sigwait, ({signal.SIGUSR1},))
    notify("READY=1", f"STATUS={CHILDREN + 1} processes sleep")
    signal.pause()


if __name__ == "__main__":
    main()
