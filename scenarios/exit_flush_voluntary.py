from harness.model.terms import Outcome
from harness.scenario import Before, Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="exit-flush-voluntary",
    kind=Kind.DEFECT,
    summary="kills a namespace whose FUSE server is exiting already, with a file of its own mount open",
    why="""\
The server calls exit_group() by itself. The thread that holds the file is in the FLUSH of its exit, in
request_wait_answer(), when the namespace is killed. It sleeps interruptibly (state S) and permanently: the kernel
delivers no signal to a task with PF_EXITING (wants_signal()) and drops a SIGKILL to a group that is exiting
(prepare_signal(), SIGNAL_GROUP_EXIT), so none is pending. Neither state D nor a pending SIGKILL is a condition of
this deadlock.""",
    measured=(
        "deadlock on 6.1 and 6.18, the stuck task in state S with no signal pending",
        "released on 6.1 with the idea of commit 5a8bee63b10f (in v6.3, reverted in v6.6 by 91ec6c85599b) applied",
    ),
    want=Outcome.RELEASED,
    server=Place.INSIDE,
    holder=Holder.SERVER,
    before=Before.SERVER_EXITS,
    exercise=Exercise.FILE_HELD,
)
