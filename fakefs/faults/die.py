"""die: the server kills itself when the request arrives."""

import os
import signal

from fakefs.fault import Argument, Fault, Request

#: The status that a shell shows for a process that SIGKILL ended.
KILLED = 128 + signal.SIGKILL


def inject(request: Request, _argument: Argument) -> None:
    request.journal("died")
    os.kill(os.getpid(), signal.SIGKILL)
    # The init of a PID namespace receives no SIGKILL from a task inside it (SIGNAL_UNKILLABLE in sig_task_ignored(),
    # kernel/signal.c). It can exit, and _exit cleans nothing up either.
    os._exit(KILLED)


FAULT = Fault(
    name="die",
    summary="the server kills itself with SIGKILL; nothing is answered, unmounted or cleaned up",
    inject=inject,
)
