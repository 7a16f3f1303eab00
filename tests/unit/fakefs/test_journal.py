"""The journal: writing, parsing, and waiting for entries."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fakefs.calls import parse_namespace
from fakefs.errors import FakefsError
from fakefs.journal import Entry, Journal, Who, parse, read
from fakefs.protocol import Wanted

CALLED = Entry(0, 0, "called", "flush", "/f", None, Who(7, "cat", 3), 1, "flush:hang")


def open_journal(path: Path) -> Journal:
    return Journal(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC))


def test_entries_survive_writing_and_reading(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "j")
    replied = Entry(1, 0, "replied", "rename", "/a\udcff\n", "/ü", result=-5)
    journal.add(CALLED)
    journal.add(replied)
    first, second = read(tmp_path / "j")
    assert 0 < first.time <= second.time
    assert first.record() | {"time": 0} == CALLED.record()
    assert second.record() | {"time": 0} == replied.record()


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "j")
    for _ in range(3):
        journal.add(CALLED)
    whole = (tmp_path / "j").read_text()
    lengths = [len(parse(whole[:end])) for end in range(len(whole) + 1)]
    assert lengths == [whole[:end].count("\n") for end in range(len(whole) + 1)]


@pytest.mark.parametrize("line", ["x", "{}", "[]", '{"caller":null,"colour":1}', ""])
def test_a_broken_line_is_an_error(line: str) -> None:
    with pytest.raises(FakefsError, match="line 1 of the journal"):
        parse(line + "\n")


def test_a_full_disk_stops_the_file_and_nothing_else() -> None:
    journal = Journal(os.open("/dev/full", os.O_WRONLY | os.O_CLOEXEC))
    journal.add(CALLED)
    journal.add(CALLED)
    assert journal.broken is not None
    assert "No space left" in journal.broken
    assert len(journal.wait(Wanted(), 2, 0)) == 2


def test_lines_of_many_threads_stay_whole(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "j")
    with ThreadPoolExecutor(16) as pool:
        for _ in pool.map(lambda _: journal.add(CALLED), range(2000)):
            pass
    lines = (tmp_path / "j").read_text().splitlines()
    assert len(lines) == 2000
    assert all(json.loads(line)["spec"] == "flush:hang" for line in lines)


def test_a_wait_sees_earlier_and_later_entries() -> None:
    journal = Journal()
    journal.add(CALLED)
    assert len(journal.wait(Wanted("called", "flush", "/*"), 1, 0)) == 1
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(journal.wait, Wanted("called"), 3, 10.0)
        for event in ("held", "called", "called"):
            journal.add(Entry(5, 0, event, "open", "/g"))
        assert [entry.seq for entry in waiting.result(10)] == [0, 5, 5]


@pytest.mark.parametrize(
    "wanted",
    [Wanted("held"), Wanted(operation="open"), Wanted(path="/g"), Wanted(since=1 << 62)],
)
def test_a_wait_without_a_match_ends(wanted: Wanted) -> None:
    journal = Journal()
    journal.add(CALLED)
    assert journal.wait(wanted, 1, 0.001) == ()


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fakefs.journal.KEPT", 10)
    journal = Journal()
    for seq in range(95):
        journal.add(Entry(seq, 0, "called", "open"))
    kept = [entry.seq for entry in journal.wait(Wanted(), 1000, 0)]
    assert kept == list(range(kept[0], 95))
    assert 10 <= len(kept) <= 20


@pytest.mark.parametrize(("link", "number"), [("pid:[4026531836]", 4026531836), ("mnt:[1]", None), ("", None)])
def test_namespace_links(link: str, number: int | None) -> None:
    assert parse_namespace(link) == number
