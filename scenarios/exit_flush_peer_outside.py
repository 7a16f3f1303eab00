from harness.model.terms import Outcome
from harness.scenario import Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="exit-flush-peer-outside",
    kind=Kind.DEFECT,
    summary="kills a namespace that uses the mount of a server outside, which never answers FLUSH",
    why="""\
The exit of the holder sends FLUSH (exit_files() -> filp_close() -> fuse_flush()) and waits in request_wait_answer()
for a server that lives, has read the request, and does not answer. The namespace hangs until that server answers. It
is not a deadlock, because the server could answer at any time. A kernel that does not wait for the answer to the
FLUSH of an exiting task lets the namespace end.""",
    measured=(
        "starved on 5.10, 6.1, 6.12, 6.18 and 7.2",
        "released on 6.1 with the idea of commit 5a8bee63b10f (in v6.3, reverted in v6.6 by 91ec6c85599b) applied",
    ),
    want=Outcome.RELEASED,
    server=Place.OUTSIDE,
    holder=Holder.PROCESS,
    rules=("flush:hang",),
    exercise=Exercise.FLUSH_SERVED,
)
