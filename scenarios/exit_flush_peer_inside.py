from harness.model.terms import Outcome
from harness.scenario import Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="exit-flush-peer-inside",
    kind=Kind.CONTROL,
    summary="kills a namespace with the FUSE server and the holder of its file in two processes",
    why="""\
The exit of the holder sends FLUSH. The server, another process of the same namespace, is killed at the same time. It
has nothing to wait for, so its exit closes the device, and fuse_dev_release() ends the connection and with it the
FLUSH. A judge that calls every FLUSH in a dying namespace a deadlock is wrong here.""",
    measured=("released on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.INSIDE,
    holder=Holder.PROCESS,
    exercise=Exercise.FILE_HELD,
)
