from harness.model.terms import Outcome
from harness.scenario import Before, Exercise, Kind, Place, Requirement, Scenario

SCENARIO = Scenario(
    name="frozen-cgroup",
    kind=Kind.CONTROL,
    summary="kills a namespace whose tasks are frozen by the freezer of cgroup v1",
    why="""\
The freezer of cgroup v1 (freezing_slow_path(), __refrigerator() or a freezable sleep) holds a task where it sleeps,
in state D, and the SIGKILL stays pending until the task is thawed. init is in zap_pid_ns_processes(). The owner of
the cgroup can thaw it at any time: the outcome is starved.""",
    measured=("starved on 6.1 and 6.18",),
    want=Outcome.STARVED,
    server=Place.NOWHERE,
    programs=("sleepers",),
    before=Before.FROZEN,
    exercise=Exercise.ARMED,
    requires=(
        Requirement.ROOT,
        Requirement.FREEZER_V1,
    ),
)
