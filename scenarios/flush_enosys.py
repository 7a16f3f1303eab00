from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="flush-enosys",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace whose FUSE server answered an earlier FLUSH with ENOSYS",
    why="""\
A server without a FLUSH handler answers ENOSYS once. The kernel remembers this (fc->no_flush in fuse_flush()) and
sends no other FLUSH on that connection. So the exit of the server, with a file of its own mount open, has nothing to
wait for. This is the easiest way for a server to be safe from this hang.""",
    measured=("released on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.INSIDE,
    holder=Holder.SERVER,
    caller=Caller.SERVER,
    call="close",
    files=("/held=some bytes",),
    rules=("flush:errno=ENOSYS",),
    exercise=Exercise.FLUSH_UNKNOWN,
)
