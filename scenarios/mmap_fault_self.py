from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="mmap-fault-self",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace whose FUSE server touches a mapped page of its own mount",
    why="""\
A page fault reads through the page cache: filemap_fault() -> page_cache_ra_unbounded() -> fuse_readahead() sends READ
as a background request and returns. The task then waits until the folio is unlocked, and that wait is killable
(folio_lock_killable() in __lock_folio_or_retry()). So the SIGKILL ends the wait, the server's threads exit, and their
exit closes the device, which ends the connection (fuse_dev_release()).""",
    measured=("released on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.INSIDE,
    caller=Caller.SERVER,
    call="fault",
    rules=("read@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
)
