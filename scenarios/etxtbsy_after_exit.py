from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="etxtbsy-after-exit",
    kind=Kind.DEFECT,
    summary="executes a program right after the process that wrote it on a FUSE mount has exited",
    why="""\
A child writes a program and exits without closing it; its parent waits for it and executes the program at once. The
FLUSH of the child's exit takes 50 ms. execve() refuses a file that is open for writing (deny_write_access(), ETXTBSY),
so the writer's file must be closed before wait() returns. It is, as long as fuse_flush() waits for the answer in
exit_files(), before exit_notify(). The fix of 6.3 (5a8bee63b10f) did not wait, sent the RELEASE later, and was
reverted for this (91ec6c85599b): a fix is good only if both hold, this and exit-flush-self.""",
    measured=(
        "released on 6.1 and 6.18: every program could be executed",
        "failed on 6.1 with the idea of commit 5a8bee63b10f applied: ETXTBSY in 5 of 5",
    ),
    want=Outcome.RELEASED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="execute",
    path="/program",
    files=(),
    rules=("flush:delay=0.05",),
    exercise=Exercise.EXECUTED,
)
