from harness.model.terms import Outcome
from harness.scenario import Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="sleepers",
    kind=Kind.CONTROL,
    summary="kills a namespace in which processes and threads sleep, without any FUSE mount",
    why="""\
Every task sleeps interruptibly and dies from the SIGKILL at once. init reaps the tasks, and zap_pid_ns_processes()
returns.""",
    measured=("released on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.NOWHERE,
    programs=("sleepers",),
    exercise=Exercise.ARMED,
    patience_s=10.0,
)
