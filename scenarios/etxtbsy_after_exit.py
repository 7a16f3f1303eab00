from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="etxtbsy-after-exit",
    kind=Kind.DEFECT,
    summary="executes a program right after the process that wrote it on a FUSE mount has exited",
    why="""\
A child writes a program and exits without closing it. Its parent waits for the child and executes the program at
once. The FLUSH of the child's exit takes 50 ms. execve() refuses a file that is open for writing
(deny_write_access(), ETXTBSY), so the kernel must close the writer's file before wait() returns. It does so as long
as fuse_flush() waits for the answer in exit_files(), before exit_notify(). The fix of 6.3 (5a8bee63b10f) did not wait
and sent the RELEASE later; it was reverted for this reason (91ec6c85599b). A fix is good only if both scenarios are
released, this one and exit-flush-self.""",
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
