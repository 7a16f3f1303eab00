"""The control socket and the journal of fakefs: all input is either parsed or refused, and is shown safely."""

import json
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from fakefs import journal
from fakefs.calls import OPERATIONS
from fakefs.ctl import show, show_status
from fakefs.errors import FakefsError
from fakefs.journal import Entry, Who
from fakefs.protocol import COMMANDS, PARAMETERS, Held, Request, RuleState, Status, encode, parse_request, status_of
from fakefs.text import LONGEST, shown, visible

TEXT = st.text(st.characters())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
NAMES = sorted({name for takes in PARAMETERS.values() for name in takes})
REQUESTS = st.builds(
    lambda command, values: {"command": command, **values},
    st.sampled_from(COMMANDS) | JSON,
    st.dictionaries(st.sampled_from(NAMES) | TEXT, JSON, max_size=4),
)


def check(line: bytes | str) -> None:
    found = parse_request(line)
    if isinstance(found, Request):
        assert found.command in COMMANDS
        return
    assert found
    assert all(len(problem) < 1000 for problem in found)


@given(st.binary())
@example(b"[" * 100_000)
@example(b'{"command": ' + b"[" * 100_000)
@example(b'{"command": "wait", "count": ' + b"9" * 5000 + b"}")
@example(b'{"command": "wait", "since": ' + b"9" * 4000 + b"}")
@example(b"\xff\xfe")
def test_a_line_of_bytes(line: bytes) -> None:
    check(line)


@given(REQUESTS)
@example({"command": "wait", **{f"counts{number}": 1 for number in range(5000)}})
@example({"command": "status" * 10_000})
def test_a_request(message: dict[str, object]) -> None:
    check(json.dumps(message))


@given(TEXT | st.builds(lambda record: json.dumps(record) + "\n", JSON))
@example("[" * 100_000 + "\n")
@example('{"caller": {}}\n')
@example('{"caller": [1]}\n')
@example('{"caller": "x"}\n')
def test_a_journal(text: str) -> None:
    try:
        found = journal.parse(text)
    except FakefsError as error:
        message = str(error)
    else:
        assert all(isinstance(entry, Entry) for entry in found)
        return
    assert len(message) < 1000


entries = st.builds(
    Entry,
    seq=st.integers(0, 1 << 63),
    time=st.integers(0, 1 << 63),
    event=st.sampled_from(journal.EVENTS),
    operation=st.sampled_from(sorted(OPERATIONS)),
    path=st.none() | TEXT,
    other=st.none() | TEXT,
    caller=st.none() | st.builds(Who, st.integers(1, 1 << 31), st.none() | TEXT, st.none() | st.integers(0, 1 << 32)),
    rule=st.none() | st.integers(0, 500),
    spec=st.none() | TEXT,
    result=st.none() | st.integers(-511, 0),
)


@given(st.lists(entries, max_size=3))
def test_entries_come_back_from_their_lines(written: list[Entry]) -> None:
    text = "".join(json.dumps(entry.record()) + "\n" for entry in written)
    assert list(journal.parse(text)) == written


def safe(text: str) -> bool:
    """Return True where a terminal gets no control character, also none that changes the direction of writing."""
    return all(unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for one in text.replace("\n", ""))


@given(st.lists(entries, max_size=3))
def test_what_is_shown_of_entries_is_safe(found: list[Entry]) -> None:
    lines = show("wait", tuple(found)).split("\n")
    assert len(lines) == max(1, len(found))
    assert safe("\n".join(lines))


held = st.builds(
    Held,
    id=st.integers(0, 1 << 63),
    operation=st.sampled_from(sorted(OPERATIONS)),
    path=st.none() | TEXT,
    tid=st.none() | st.integers(1, 1 << 31),
    comm=st.none() | TEXT,
    pid_ns=st.none() | st.integers(0, 1 << 32),
    rule=st.none() | st.integers(0, 500),
    since=st.integers(0, 1 << 62),
)
statuses = st.builds(
    Status,
    held=st.lists(held, max_size=2).map(tuple),
    rules=st.lists(st.builds(RuleState, TEXT, st.integers(0), st.integers(0)), max_size=2).map(tuple),
    totals=st.dictionaries(st.sampled_from(sorted(OPERATIONS)), st.integers(0), max_size=2),
    journal_error=st.none() | TEXT,
)


@given(statuses)
def test_a_status_is_safe_to_show_and_comes_back_from_its_line(status: Status) -> None:
    assert status_of(json.loads(encode(status.record()))) == status
    assert safe(show_status(status))


@given(TEXT)
@example("\udcff\x1b[2J\u0085\u202e\n")
def test_visible_text_is_safe(text: str) -> None:
    assert safe(visible(text))
    assert "\n" not in visible(text)


@given(JSON)
@example("x" * 100_000)
@example(10**5000)
def test_a_shown_value_is_short(value: object) -> None:
    assert len(shown(value)) <= LONGEST
