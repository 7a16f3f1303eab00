"""Words that all formats of a report on runtimes share."""

from __future__ import annotations

from harness.report.text import visible
from harness.runtimes.records import Answer, Experiment, ExperimentResult, Moment, Operation, RuntimesReport, Subject

EXPERIMENTS = {
    Experiment.FLUSH: "killed while its server holds a file open on its own mount",
    Experiment.EXEC: "the same, with an exec blocked on the mount",
}
_MOST = 110


def answer(found: Answer) -> str:
    """Write an answer: exit status, message and time; or why there is none."""
    if found.error:
        return f"not measured: {visible(found.error)[:_MOST]}"
    if found.status is None:
        return f"no answer within {found.bound_s:.3g} s"
    words = visible(found.words)
    shown = f": {words[: _MOST - 1]}…" if len(words) > _MOST else f": {words}" if words else ""
    return f"{found.status}{shown} ({found.took_s:.2f} s)"


def asked(course: ExperimentResult, when: Moment) -> list[Operation]:
    """List the questions of one moment."""
    return [each for each in course.operations if each.when is when]


def before(course: ExperimentResult, operation: Operation) -> str:
    """Write the answer to the same question before the kill; empty where it was not asked."""
    found = [each for each in asked(course, Moment.HEALTHY) if each.name == operation.name]
    return answer(found[0].answer) if found else ""


def troubles(subject: Subject) -> list[str]:
    """List why nothing was measured of a runtime, and what fusezap left behind."""
    found = [("not installed", subject.missing), ("not measured", subject.errors), ("left behind", subject.leftovers)]
    return [f"{heading}: {visible(text)}" for heading, texts in found for text in texts]


def versions(subject: Subject) -> str:
    """List the versions of a runtime's programs."""
    return visible(", ".join(f"{name} {version}" for name, version in subject.versions))


def tree(course: ExperimentResult) -> str:
    """List the processes of the stuck container, from the shim down."""
    parts = []
    for each in course.picture.tree:
        threads = f", {each.threads} threads" if each.threads > 1 else ""
        function = f", in {visible(each.function)}" if each.function else ""
        parts.append(f"{visible(each.comm)} {visible(each.state)}{threads}{function}")
    return " → ".join(parts)


def ending(course: ExperimentResult) -> str:
    """Describe the recovery after the abort."""
    recovery = course.recovery
    if recovery.released_ms is None:
        return "the namespace did not become empty after the abort"
    text = f"{recovery.released_ms:.1f} ms after the abort the namespace was gone"
    if recovery.recovered_s is None:
        text += f"; {last_state(course)}, and never changed that"
    else:
        text += f"; {recovery.recovered_s:.2f} s after it, inspect said: {visible(recovery.state)[:_MOST]}"
    text += f"; exit status {recovery.exit_status}" if recovery.exit_status is not None else ""
    text += "; a new container runs" if recovery.healthy else "; no new container could be run"
    return text


def last_state(course: ExperimentResult) -> str:
    """Quote the last answer to inspect."""
    return f"inspect said: {visible(course.recovery.state)[:_MOST]}"


def lost(course: ExperimentResult) -> str:
    """List what the runtime forgot or left behind."""
    return "; ".join(map(visible, course.recovery.lost)) or "nothing"


def summary(report: RuntimesReport) -> str:
    """Sum up the answers of each runtime in a sentence."""
    sentences = []
    for subject in report.subjects:
        for course in subject.courses[:1]:
            stuck = asked(course, Moment.STUCK)
            silent = [each.name for each in stuck if each.answer.status is None and not each.answer.error]
            failed = [each.name for each in stuck if each.answer.status and each.name != "fusezap diagnose"]
            well = [each.name for each in stuck if each.answer.status == 0]
            parts = [f"no answer to {', '.join(silent)}"] if silent else []
            parts += [f"an error to {', '.join(failed)}"] if failed else []
            parts += [f"success to {', '.join(well)}"] if well else []
            sentences.append(f"{subject.name}: {'; '.join(parts)}.")
    return " ".join(sentences)
