from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="nested-fsync",
    kind=Kind.DEFECT,
    summary="kills a namespace whose FUSE server opened a second file of its own mount while it served a write",
    why="""\
This is the form of the first published reproducer: the client and the server are two processes. The server's WRITE
handler starts a thread that opens and syncs another file of the same mount, and leaves it open. The client exits with
its file open, and the server reads its FLUSH (do_exit() -> exit_files() -> fuse_flush()) and never answers it. At the
kill, the server's last thread flushes the second file. Two tasks then sleep in request_wait_answer() on one
connection, which only the dying server could serve.""",
    measured=(
        "deadlock on 6.1 and 6.18, two tasks stuck",
        "released on 6.1 with the idea of commit 5a8bee63b10f (in v6.3, reverted in v6.6 by 91ec6c85599b) applied",
    ),
    want=Outcome.RELEASED,
    server=Place.INSIDE,
    caller=Caller.PROCESS,
    call="write-exit",
    path="/a",
    files=("/a=some bytes", "/b=some bytes"),
    rules=("write@/a:nest=/b,times=1", "flush@/a:hang"),
    exercise=Exercise.REQUEST_HELD,
)
