from harness.model.terms import Outcome
from harness.scenario import Before, Exercise, Kind, Place, Requirement, Scenario

SCENARIO = Scenario(
    name="frozen-cgroup-v2",
    kind=Kind.CONTROL,
    summary="kills a namespace whose tasks are frozen by cgroup v2",
    why="""\
The freezer of cgroup v2 stops a task in get_signal() (do_freezer_trap()), where the task sees a SIGKILL: a killed
task leaves the frozen state and dies. So the namespace ends although nothing thaws the cgroup.""",
    measured=("released on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.NOWHERE,
    programs=("sleepers",),
    before=Before.FROZEN,
    exercise=Exercise.ARMED,
    requires=(
        Requirement.ROOT,
        Requirement.FREEZER_V2,
    ),
    patience_s=10.0,
)
