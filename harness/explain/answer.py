"""The explanation of a text: the record that the formats write."""

from __future__ import annotations

from harness.blockers.row import Certainty
from harness.explain.judged import Judged
from harness.explain.records import Message, TaskText
from harness.record import record


@record(frozen=True, slots=True)
class Reason:
    """A frame with its meaning; "" where the table has none for it."""

    function: str
    meaning: str


@record(frozen=True, slots=True)
class Explanation:
    """The explanation of a text.

    Attributes:
        kind: The row's name; `unknown` where none fits.
        certainty: likely, possible or unknown.
        sentence: What it is.
        because: How sure, and why.
        why: The frames of the task that shows it, with meanings.
        culprit: Who has to move; names a task where the text shows it.
        blocks: Tasks that wait for something outside the text's tasks.
        queues: Tasks that merely wait for others.
        unexplained: Tasks in state D that no row explains.
        resting: Number of tasks that are at rest.
        innocent: What it is not.
        command: A read-only command that makes it certain.
        answer: How to read its output.
        lossless: The remedy that loses nothing.
        destructive: The kind of remedy that loses something, and what; never a command.
        kernel: The kernel, as the text gives it or as its function names allow.
        architecture: The architecture, "" where not known.
        kernels: Which kernels have this.
        references: Kernel functions and files.
        threads: Public reports of it.
        connection: The FUSE connection, where the text says; None otherwise.
        device: The block device, workqueue or server that the text names.
        missing: What to paste, too, in words.
        messages: Kernel messages that the table knows.
        stack_alone: The answer rests on one stack, and nothing else in the text supports it.
    """

    kind: str
    certainty: Certainty
    sentence: str
    because: str
    why: tuple[Reason, ...]
    culprit: str
    blocks: tuple[Judged, ...]
    queues: tuple[Judged, ...]
    unexplained: tuple[TaskText, ...]
    resting: int
    innocent: tuple[str, ...]
    command: str
    answer: str
    lossless: str
    destructive: str
    kernel: str
    architecture: str
    kernels: str
    references: tuple[str, ...]
    threads: tuple[str, ...]
    connection: int | None
    device: str
    missing: tuple[str, ...]
    messages: tuple[Message, ...]
    stack_alone: bool

    @property
    def status(self) -> int:
        """The command's exit status: 0 explained, 1 unknown."""
        return 1 if self.certainty is Certainty.UNKNOWN else 0
