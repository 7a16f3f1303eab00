"""Random text, truncated and interleaved reports: no traceback, never a deadlock, bounded work."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docs.tools.blocks.explained import cases
from harness import registry
from harness.explain import formats
from harness.explain.answer import Explanation
from harness.explain.explanation import explain
from harness.explain.read import Reader, read, says_something
from harness.explain.redact import Redactor
from harness.explain.stream import kept

TEXTS = [case.text for case in cases()]
FORMATS = registry.modules(formats, "SUMMARY", "render")
QUICK = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LINES = st.sampled_from([line for text in TEXTS for line in text.splitlines()])


def explained(text: str) -> Explanation:
    paste = read(text)
    found = explain(paste)
    for form in FORMATS:
        written = form.render(found, paste)
        assert "deadlock" not in written.lower() or "deadlock" in text.lower()
    assert found.certainty.value in ("likely", "possible", "unknown")
    assert (found.status == 1) == (found.certainty.value == "unknown")
    return found


@QUICK
@given(st.text(max_size=2000))
def test_any_text(text: str) -> None:
    explained(text)


@QUICK
@given(st.binary(max_size=4000))
def test_any_bytes(data: bytes) -> None:
    reader = Reader()
    for line, skipped in kept([data[:100], data[100:]], reader.says_something, says_something):
        if skipped:
            reader.gap(skipped)
        reader.feed(line)
    explain(reader.paste())


@QUICK
@given(st.sampled_from(TEXTS), st.integers(0, 4000), st.integers(0, 4000))
def test_truncated(text: str, begin: int, length: int) -> None:
    explained(text[begin : begin + length])


@QUICK
@given(st.lists(LINES, max_size=60))
def test_interleaved(lines: list[str]) -> None:
    explained("\n".join(lines))


@QUICK
@given(st.lists(LINES, max_size=30), st.data())
def test_cut_at_a_width(lines: list[str], data: st.DataObject) -> None:
    width = data.draw(st.integers(5, 80))
    explained("\n".join(line[:width] for line in lines))


@QUICK
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=40),
        lambda each: (
            st.lists(each, max_size=4) | st.dictionaries(st.sampled_from(["MESSAGE", "log", "x"]), each, max_size=3)
        ),
    )
)
def test_any_json(value: object) -> None:
    explained(json.dumps(value))


@QUICK
@given(st.text(max_size=500), st.sampled_from(TEXTS))
def test_any_text_is_redacted_and_the_answer_stays(noise: str, text: str) -> None:
    redactor = Redactor()
    redactor.line(noise)
    redacted = "\n".join(redactor.line(line) for line in text.splitlines())
    assert explain(read(redacted)).kind == explain(read(text)).kind
