from harness.model.terms import Outcome
from harness.scenario import Before, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="tracer-outside",
    kind=Kind.CONTROL,
    summary="kills a namespace with a task that a tracer outside has seized and does not wait for",
    why="""\
The task dies and stays a zombie, because only its tracer can reap it (wait_task_zombie(), ptrace_unlink() in
release_task()). init is in do_wait() below zap_pid_ns_processes(), exactly as in the FUSE hang, although there is no
FUSE mount. The tracer lives and could wait for the task, or exit: the outcome is starved, and the blocker is the
tracer.""",
    measured=("starved on 6.1 and 6.18",),
    want=Outcome.STARVED,
    server=Place.NOWHERE,
    programs=("sleepers",),
    before=Before.TRACED,
    exercise=Exercise.ARMED,
)
