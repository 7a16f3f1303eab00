from harness.model.terms import Outcome
from harness.scenario import Before, Exercise, Kind, Place, Requirement, Scenario

SCENARIO = Scenario(
    name="frozen-cgroup-v2",
    kind=Kind.CONTROL,
    summary="kills a namespace whose tasks are frozen by cgroup v2",
    why="""\
cgroup v2's freezer stops a task in get_signal() (do_freezer_trap()), where a SIGKILL is seen: a killed task leaves the
frozen group and dies. So the namespace goes, though nobody thawed anything.""",
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
