"""die: the server kills itself, at this very request."""

import os
import signal

from fakefs.fault import Argument, Fault, Request

#: What a shell shows for a process that SIGKILL ended.
KILLED = 128 + signal.SIGKILL


def strike(request: Request, _argument: Argument) -> None:
    request.journal("died")
    os.kill(os.getpid(), signal.SIGKILL)
    # The init of a PID namespace does not get a SIGKILL from inside (SIGNAL_UNKILLABLE in sig_task_ignored()), but it
    # may exit. Without any cleanup, as a kill would.
    os._exit(KILLED)


FAULT = Fault(
    name="die",
    summary="the server kills itself with SIGKILL; nothing is answered, unmounted or cleaned up",
    strike=strike,
)
