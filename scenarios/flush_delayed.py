from harness.model.terms import Outcome
from harness.scenario import Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="flush-delayed",
    kind=Kind.CONTROL,
    summary="kills a namespace that uses the mount of a server outside, which answers FLUSH after 1.5 s",
    why="""\
Until the answer arrives, the namespace looks exactly as in exit-flush-peer-outside, and as in exit-flush-self except
for the live holder of the device. It is starved during that time and released in the end. A judge that decides by the
stack, or by a time limit of one second, calls it a deadlock.""",
    measured=("released, 1.5 s after the kill, on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.OUTSIDE,
    holder=Holder.PROCESS,
    rules=("flush:delay=1.5",),
    exercise=Exercise.FLUSH_SERVED,
    patience_s=10.0,
)
