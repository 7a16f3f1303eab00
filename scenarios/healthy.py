from harness.model.terms import Outcome
from harness.scenario import Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="healthy",
    kind=Kind.CONTROL,
    summary="kills a namespace that uses the mount of a server outside, which answers every request",
    why="""\
The exit of the holder sends FLUSH, the server answers, init reaps the task, and zap_pid_ns_processes() returns. The
other scenarios' times from kill to release are compared with the time of this one.""",
    measured=("released on 5.10, 6.1, 6.12, 6.18 and 7.2",),
    want=Outcome.RELEASED,
    server=Place.OUTSIDE,
    holder=Holder.PROCESS,
    exercise=Exercise.FLUSH_SERVED,
    patience_s=10.0,
)
