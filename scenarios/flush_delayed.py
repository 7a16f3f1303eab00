from harness.model.terms import Outcome
from harness.scenario import Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="flush-delayed",
    kind=Kind.CONTROL,
    summary="kills a namespace that uses the mount of a server outside, which answers FLUSH after 1.5 s",
    why="""\
Until the answer comes, the namespace looks exactly as in exit-flush-peer-outside, and in exit-flush-self too but for
the live holder of the device. It is starved while that lasts and released in the end: a judge that goes by the stack,
or by a time limit of a second, calls it a deadlock.""",
    measured=("released, 1.5 s after the kill, on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.OUTSIDE,
    holder=Holder.PROCESS,
    rules=("flush:delay=1.5",),
    exercise=Exercise.FLUSH_SERVED,
    patience_s=10.0,
)
