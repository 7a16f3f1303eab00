"""The explanation in parts, in the order in which every format writes them."""

from __future__ import annotations

from collections.abc import Iterator

from harness.explain.answer import Explanation
from harness.explain.judged import Judged, named
from harness.explain.records import Paste

_MANY = 12


def visible(text: str) -> str:
    """One printable line: names are their makers' choice, and may hold an escape sequence."""
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)


def headline(explanation: Explanation) -> str:
    return f"{explanation.certainty.value}: {explanation.kind}"


def parts(explanation: Explanation, paste: Paste) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Title and lines of each part; parts with nothing to say are left out."""
    yield "what it is", (explanation.sentence,)
    frames = tuple(f"{each.function}(){': ' + each.meaning if each.meaning else ''}" for each in explanation.why)
    yield "how sure, and why", (explanation.because, *frames)
    yield "who has to move", (explanation.culprit,)
    if len(explanation.blocks) + len(explanation.queues) > 1:
        yield "the tasks of the text", tuple(_tasks(explanation))
    if explanation.unexplained and explanation.kind != "unknown":
        shown = ", ".join(named(each) for each in explanation.unexplained[:_MANY])
        yield "not explained", (f"{len(explanation.unexplained)} task(s): {shown}",)
    if explanation.connection is not None:
        yield "FUSE connection", (f"{explanation.connection}, by the device number that the text names",)
    if explanation.device:
        yield "device or server", (explanation.device,)
    if explanation.innocent:
        yield "what it is not", explanation.innocent
    yield "run next, on the host", (explanation.command, f"→ {explanation.answer}")
    remedy = [f"loses nothing: {explanation.lossless}"]
    if explanation.destructive:
        remedy.append(f"loses something: {explanation.destructive}; not before the cause is shown, which no text does")
    yield "what ends it", tuple(remedy)
    if explanation.kernels:
        known = f"; this one: {explanation.kernel}" if explanation.kernel else ""
        machine = f" {explanation.architecture}" if explanation.architecture else ""
        yield "kernels", (f"{explanation.kernels}{known}{machine if known else ''}",)
    references = (*explanation.references, *(f"seen in {each}" for each in explanation.threads))
    if any(references):
        yield "references", tuple(each for each in references if each)
    if explanation.missing:
        yield "to know more, add", explanation.missing
    yield "read", (read(paste),)


def _tasks(explanation: Explanation) -> Iterator[str]:
    yield from _alike("waits for something outside the tasks shown", explanation.blocks)
    yield from _alike("queues behind another task", explanation.queues)


def _alike(what: str, found: tuple[Judged, ...]) -> Iterator[str]:
    """One line a kind: a log of thousands is one line, too."""
    kinds: dict[str, list[Judged]] = {}
    for each in found:
        kinds.setdefault(each.kind, []).append(each)
    for kind, members in kinds.items():
        names = ", ".join(dict.fromkeys(each.name for each in members[:_MANY]))
        more = f" and {len(members) - _MANY} more" if len(members) > _MANY else ""
        yield f"{what} ({kind}): {names}{more}"


def read(paste: Paste) -> str:
    dialects = ", ".join(f"{name} {count}" for name, count in paste.dialects)
    dropped = f"; {paste.dropped} more tasks were not kept" if paste.dropped else ""
    return f"{paste.lines} lines, {len(paste.tasks)} tasks ({dialects}){dropped}"
