from harness.model.terms import Outcome
from harness.scenario import Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="exit-flush-self",
    kind=Kind.DEFECT,
    summary="kills a namespace whose FUSE server holds a file open on its own mount",
    why="""\
zap_pid_ns_processes() makes init send SIGKILL to all tasks and wait until all are reaped. The server's threads exit;
the leader becomes a zombie. The thread that holds the file is the last one: exit_files() -> filp_close() ->
fuse_flush() sends FLUSH and sleeps in request_wait_answer(). FLUSH is forced, so no signal ends the wait; besides,
the kernel delivers no signal to a task with PF_EXITING (wants_signal()). The server is this very thread group. Task
work drops its last reference to /dev/fuse after all files are flushed (exit_task_work()), so fuse_dev_release() never
ends the connection.

The scenario makes sure that this thread sends the FLUSH: the thread has its own descriptor table
(unshare(CLONE_FILES)), in which the file has a lower descriptor than the device. close_files() closes in ascending
order, so during the FLUSH the table still owns its reference to the device. With a higher descriptor, the thread
would already have dropped that reference, and the exit of another thread could drop the last one and end the
connection.""",
    measured=(
        "deadlock on 5.10, 6.1, 6.12, 6.18 and 7.2",
        "6.18: 100 of 100 runs stuck with the file below the device, 10 of 100 with the file above it",
        "released on 6.1 with the idea of commit 5a8bee63b10f (in v6.3, reverted in v6.6 by 91ec6c85599b) applied",
    ),
    want=Outcome.RELEASED,
    server=Place.INSIDE,
    holder=Holder.SERVER,
    exercise=Exercise.FILE_HELD,
)
