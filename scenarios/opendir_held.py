from harness.model.terms import Outcome
from harness.scenario import Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="opendir-held",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace whose FUSE server holds a directory of its own mount open",
    why="""\
A directory has no FLUSH (fuse_dir_operations has no flush member): close_files() only drops the reference, and
fuse_dir_release() sends RELEASEDIR in the background without a wait. The namespace ends.""",
    measured=("released on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.INSIDE,
    holder=Holder.SHARED,
    path="/folder",
    files=("/folder/inside",),
    exercise=Exercise.FILE_HELD,
)
