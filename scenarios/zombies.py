from harness.model.terms import Outcome
from harness.scenario import Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="zombies",
    kind=Kind.CONTROL,
    summary="kills a namespace with zombies that their parent never reaped",
    why="""\
The zombies' parent dies of the SIGKILL, they go to init (forget_original_parent()), and zap_pid_ns_processes() reaps
them with kernel_wait4(). A zombie in a dying namespace is nothing to worry about by itself.""",
    measured=("released on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.NOWHERE,
    programs=("zombies",),
    exercise=Exercise.ARMED,
    patience_s=10.0,
)
