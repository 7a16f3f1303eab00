from harness.model.terms import Outcome
from harness.scenario import Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="exit-flush-self",
    kind=Kind.DEFECT,
    summary="kills a namespace whose FUSE server holds a file open on its own mount",
    why="""\
zap_pid_ns_processes() has init send SIGKILL to all and wait until all are reaped. The server's threads exit; the
leader becomes a zombie. The thread that holds the file is last: exit_files() -> filp_close() -> fuse_flush() sends
FLUSH and sleeps in request_wait_answer(). FLUSH is forced, so no signal ends the wait, and PF_EXITING keeps signals
away in any case (wants_signal()). The server is that very thread group. Its last reference to /dev/fuse is dropped by
task work, after all files are flushed (exit_task_work()), so fuse_dev_release() never ends the connection.

That the thread is the one to flush is arranged: it has a descriptor table of its own (unshare(CLONE_FILES)), with the
file below the device. close_files() goes upward: at the FLUSH the table still owns its reference to the device. With
the file above the device, the thread has already given its reference up, and another thread's exit can drop the last
one and end the connection.""",
    measured=(
        "deadlock on 5.10, 6.1, 6.12, 6.18 and 7.2",
        "6.18: 100 of 100 runs stuck with the file below the device, 10 of 100 with it above",
        "released on 6.1 with the idea of commit 5a8bee63b10f (in v6.3, reverted in v6.6 by 91ec6c85599b) applied",
    ),
    want=Outcome.RELEASED,
    server=Place.INSIDE,
    holder=Holder.SERVER,
    exercise=Exercise.FILE_HELD,
)
