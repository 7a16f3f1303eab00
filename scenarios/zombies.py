from harness.model.terms import Outcome
from harness.scenario import Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="zombies",
    kind=Kind.CONTROL,
    summary="kills a namespace with zombies that their parent has never reaped",
    why="""\
The parent of the zombies dies from the SIGKILL, init becomes their parent (forget_original_parent()), and
zap_pid_ns_processes() reaps them with kernel_wait4(). A zombie in a dying namespace is harmless by itself.""",
    measured=("released on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.NOWHERE,
    programs=("zombies",),
    exercise=Exercise.ARMED,
    patience_s=10.0,
)
