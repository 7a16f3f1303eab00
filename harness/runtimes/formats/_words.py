"""What the formats have in common: the table of one course, and what it comes to."""

from __future__ import annotations

from harness.report.text import visible
from harness.runtimes.records import Answer, Course, Experiment, Operation, Report, Subject, When

EXPERIMENTS = {
    Experiment.FLUSH: "killed while its server holds a file open on its own mount",
    Experiment.EXEC: "the same, with an exec blocked on the mount",
}
_MOST = 110


def answer(found: Answer) -> str:
    """Exit status, what it said, how long it took."""
    if found.status is None:
        return f"no answer within {found.bound_s:.3g} s"
    words = visible(found.words)
    shown = f": {words[: _MOST - 1]}…" if len(words) > _MOST else f": {words}" if words else ""
    return f"{found.status}{shown} ({found.took_s:.2f} s)"


def asked(course: Course, when: When) -> list[Operation]:
    return [each for each in course.operations if each.when is when]


def before(course: Course, operation: Operation) -> str:
    """What the same question was answered before the kill; empty where it was not asked."""
    found = [each for each in asked(course, When.HEALTHY) if each.name == operation.name]
    return answer(found[0].answer) if found else ""


def versions(subject: Subject) -> str:
    return ", ".join(f"{name} {version}" for name, version in subject.versions)


def tree(course: Course) -> str:
    """From the shim down."""
    parts = []
    for each in course.picture.tree:
        threads = f", {each.threads} threads" if each.threads > 1 else ""
        function = f", in {each.function}" if each.function else ""
        parts.append(f"{visible(each.comm)} {each.state}{threads}{function}")
    return " → ".join(parts)


def ending(course: Course) -> str:
    recovery = course.recovery
    if recovery.released_ms is None:
        return "the namespace did not become empty after the abort"
    told = f"{recovery.released_ms:.1f} ms after the abort the namespace was gone"
    if recovery.recovered_s is None:
        told += f"; {course_says(course)}, and did not say otherwise any more"
    else:
        told += f"; {recovery.recovered_s:.2f} s after it, inspect said: {visible(recovery.state)[:_MOST]}"
    told += f"; exit status {recovery.exit_status}" if recovery.exit_status is not None else ""
    told += "; a new container runs" if recovery.healthy else "; no new container could be run"
    return told


def course_says(course: Course) -> str:
    return f"inspect said: {visible(course.recovery.state)[:_MOST]}"


def lost(course: Course) -> str:
    return "; ".join(map(visible, course.recovery.lost)) or "nothing"


def summary(report: Report) -> str:
    """What they do, in a sentence for each, out of the answers alone."""
    sentences = []
    for subject in report.subjects:
        for course in subject.courses[:1]:
            stuck = asked(course, When.STUCK)
            silent = [each.name for each in stuck if each.answer.status is None]
            failed = [each.name for each in stuck if each.answer.status and each.name != "fusezap diagnose"]
            well = [each.name for each in stuck if each.answer.status == 0]
            parts = [f"no answer to {', '.join(silent)}"] if silent else []
            parts += [f"an error to {', '.join(failed)}"] if failed else []
            parts += [f"success to {', '.join(well)}"] if well else []
            sentences.append(f"{subject.name}: {'; '.join(parts)}.")
    return " ".join(sentences)
