"""What takes its time is told meanwhile: in words, or as the part that is done, for who can draw it."""

from __future__ import annotations

from collections.abc import Callable


class Part(str):
    """Words that say how much is done; whoever only knows words takes them as such."""

    what: str
    done: int
    total: int
    """Bytes."""

    def __new__(cls, what: str, done: int, total: int) -> Part:
        self = super().__new__(cls, f"{what}: {done / 1e6:.0f} of {total / 1e6:.0f} MB")
        self.what, self.done, self.total = what, done, total
        return self

    def at(self, done: int) -> Part:
        return Part(self.what, done, self.total)

    @property
    def percent(self) -> int:
        return self.done * 100 // self.total if self.total else 100


def at_tenths(say: Callable[[str], None]) -> Callable[[str], None]:
    """Of a part, says no more than each tenth."""
    said: dict[str, int] = {}

    def tell(message: str) -> None:
        if isinstance(message, Part):
            tenth = message.percent // 10
            if said.get(message.what) == tenth:
                return
            said[message.what] = tenth
        say(str(message))

    return tell
