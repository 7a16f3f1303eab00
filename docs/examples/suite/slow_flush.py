"""A scenario of one's own: the server takes 50 ms for each FLUSH, and the container goes all the same."""

from fusezap import Exercise, Holder, Kind, Outcome, Place, Scenario

SCENARIO = Scenario(
    name="slow-flush",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace whose process holds a file on the mount of a slow server outside",
    why="The server lives, so it answers the FLUSH that the exit of the holder sends (fuse_flush()).",
    measured=("released on 6.18",),
    want=Outcome.RELEASED,
    server=Place.OUTSIDE,
    holder=Holder.PROCESS,
    rules=("flush:delay=0.05",),
    exercise=Exercise.FLUSH_SERVED,
)
