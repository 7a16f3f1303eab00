from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="mmap-fault-self",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace whose FUSE server touches a mapped page of its own mount",
    why="""\
A page fault is filled through the page cache: filemap_fault() -> page_cache_ra_unbounded() -> fuse_readahead() sends
READ as a background request and returns; the task then waits for the folio to be unlocked, and that wait can be killed
(folio_lock_killable() in __lock_folio_or_retry()). So the SIGKILL ends it, the server's threads exit, the device is
closed and the connection with it (fuse_dev_release()).""",
    measured=("released on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.INSIDE,
    caller=Caller.SERVER,
    call="fault",
    rules=("read@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
)
