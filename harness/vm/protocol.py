"""The order in which a guest may report, and how much: a guest that goes beyond it is lost.

Each event is well formed on its own by `wire`; here the sequence is checked against what was ordered.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.events import Began, Counted, Ended, Said, Step
from harness.run.session import ENDLESS, SessionOptions
from harness.vm import wire

STEPS = 20_000
"""Steps of one run, at most: a run has a dozen, and one for each look while it waits."""
MESSAGES = 2000
"""Messages for the user from one guest, at most."""
_IN_A_SERIES = (Step, Counted, Ended)


@dataclass(slots=True)
class GuestProtocol:
    """The events of one guest so far."""

    scenarios: tuple[str, ...]
    """Their names, in the order in which they were ordered."""
    options: SessionOptions
    done: int = 0
    greeted: bool = False
    running: bool = False
    counted: int = 0
    """Runs of the series."""
    steps: int = 0
    """Steps since the last run was counted."""
    messages: int = 0

    def follow(self, event: wire.Line) -> bool:
        """Take the next event.

        Args:
            event: as the guest reported it.

        Returns:
            Whether it is progress: only that renews the deadline of a guest, for messages could go on for ever.

        Raises:
            ValueError: no guest that does what was ordered reports this now.
        """
        if isinstance(event, wire.Hello) is self.greeted:
            raise ValueError("the guest greets twice, or not at all")
        skipped = isinstance(event, Ended) and bool(event.series.missing)
        if isinstance(event, _IN_A_SERIES) and not self.running and not skipped:
            raise ValueError(f"{type(event).__name__} of no scenario")
        match event:
            case wire.Hello():
                self.greeted = True
            case Began():
                self._begin(event)
            case Counted():
                self.counted = _counted(self.counted, min(self._times(), ENDLESS), "runs")
                self.steps = 0
            case Ended():
                if self.scenarios[self.done : self.done + 1] != (event.series.about.name,):
                    raise ValueError(f"the end of {event.series.about.name!r}")
                self.running = False
                self.done += 1
            case Said():
                self.messages = _counted(self.messages, MESSAGES, "messages")
                return False
            case _ if isinstance(event, Step):
                self.steps = _counted(self.steps, STEPS, "steps of a run")
                return False
        return True

    def _times(self) -> int:
        """The runs that were ordered of the scenario under way."""
        return self.options.times_of(self.scenarios[self.done])

    def _begin(self, event: Began) -> None:
        if self.running or self.done == len(self.scenarios) or event.name != self.scenarios[self.done]:
            raise ValueError(f"the beginning of {event.name!r}")
        if event.times != self._times():
            raise ValueError(f"{event.times} runs where {self._times()} were ordered")
        self.running, self.counted, self.steps = True, 0, 0


def _counted(number: int, most: int, what: str) -> int:
    if number >= most:
        raise ValueError(f"more than {most} {what}")
    return number + 1
