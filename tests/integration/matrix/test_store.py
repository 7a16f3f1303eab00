"""Measurements are kept: whole or not at all, counted once, and not believed longer than they hold."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import MachineError
from harness.kernels.image import Image
from harness.matrix import store
from harness.matrix.store import Query, Store
from harness.model import bounded_json
from harness.model.records import Mark, Outcome, Series
from tests.unit.results import series_of

IMAGE = Image(
    "debian:bookworm", "6.1.0-56-amd64", "#1 SMP", "x86_64", "d" * 64, Path("/vmlinuz"), package="linux-image"
)
OTHER = replace(IMAGE, spec="debian:sid", release="7.2.13", digest="e" * 64)
SELF = series_of("exit-flush-self")
HEALTHY = series_of("healthy")
ASKED = {"exit-flush-self": "asked of self", "healthy": "asked of healthy"}


def lost(series: Series) -> Series:
    return replace(series, mark=Mark.UNSURE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "results.sqlite"


@pytest.fixture
def opened(path: Path) -> Iterator[Store]:
    with store.opened(path) as found:
        yield found


def add(opened: Store, image: Image, series: Series, matrix: str = "one") -> None:
    opened.add(matrix, image, ASKED[series.about.name], series)


def test_what_was_put_there_comes_back_with_its_evidence(opened: Store) -> None:
    add(opened, IMAGE, SELF)
    assert opened.answer(IMAGE.digest, ASKED["exit-flush-self"]) == SELF
    (cell,) = opened.cells(Query())
    assert opened.series(cell) == SELF
    assert (cell.spec, cell.release, cell.scenario) == (IMAGE.spec, SELF.kernel.release, "exit-flush-self")
    assert cell.outcomes == {Outcome.DEADLOCK: SELF.runs}


def test_what_holds_is_told_by_kernel(opened: Store) -> None:
    for image, series in ((IMAGE, SELF), (IMAGE, HEALTHY), (OTHER, HEALTHY)):
        add(opened, image, series)
    assert opened.holding(ASKED) == {
        IMAGE.digest: {"exit-flush-self", "healthy"},
        OTHER.digest: {"healthy"},
    }


def test_another_question_has_no_answer(opened: Store) -> None:
    add(opened, IMAGE, SELF)
    assert opened.holding({"exit-flush-self": "asked otherwise"}) == {}


def test_what_came_to_no_conclusion_is_kept_and_does_not_hold(opened: Store) -> None:
    add(opened, IMAGE, SELF)
    add(opened, IMAGE, lost(SELF), matrix="two")
    assert opened.holding(ASKED) == {}
    assert len(opened.cells(Query(all=True))) == 2


def test_the_last_answer_counts_and_the_others_stay(opened: Store) -> None:
    add(opened, IMAGE, lost(SELF))
    add(opened, IMAGE, SELF, matrix="two")
    (cell,) = opened.cells(Query())
    assert cell.mark == SELF.mark
    assert [each.mark for each in opened.cells(Query(all=True))] == [Mark.UNSURE, SELF.mark]


def test_a_cell_that_is_told_twice_is_counted_once(opened: Store) -> None:
    add(opened, IMAGE, SELF)
    add(opened, IMAGE, SELF)
    assert len(opened.cells(Query(all=True))) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(kernel="debian:*"), 3),
        (Query(kernel="debian:sid"), 1),
        (Query(kernel="linux-image"), 3),
        (Query(kernel="d" * 64), 2),
        (Query(kernel="bookworm"), 0),
        (Query(scenario="healthy"), 2),
        (Query(outcome=Outcome.DEADLOCK), 1),
        (Query(outcome=Outcome.STARVED), 0),
        (Query(since="2000-01-01"), 3),
        (Query(since="2999-01-01"), 0),
    ],
)
def test_a_query_finds_what_fits_all_that_is_given(opened: Store, query: Query, found: int) -> None:
    for image, series in ((IMAGE, SELF), (IMAGE, HEALTHY), (OTHER, HEALTHY)):
        add(opened, image, series)
    assert len(opened.cells(query)) == found


def test_a_store_of_a_newer_program_is_left_alone(path: Path) -> None:
    with store.opened(path):
        pass
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {store.SCHEMA + 1}")
    database.close()
    with pytest.raises(MachineError, match="newer fusezap"), store.opened(path):
        pass


def test_what_is_no_store_is_an_error_with_its_name(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("this is no database, and long enough to be seen as none" * 10)
    with pytest.raises(MachineError, match=r"results\.sqlite"), store.opened(path):
        pass


def _write(path: Path, matrix: str, times: int) -> None:
    for number in range(times):
        with store.opened(path) as opened:
            opened.add(f"{matrix}-{number}", IMAGE, "asked", SELF)


def test_two_writers_lose_nothing(path: Path) -> None:
    """From the first moment on, when there are no tables yet."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(path, name, 20)) for name in ("one", "two")]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert [each.exitcode for each in writers] == [0, 0]
    with store.opened(path) as opened:
        assert len(opened.cells(Query(all=True))) == 40


def test_a_killed_writer_leaves_whole_cells(path: Path) -> None:
    writer = multiprocessing.get_context("spawn").Process(target=_write, args=(path, "killed", 100_000))
    writer.start()
    while not path.exists() or _count(path) < 5:
        assert writer.is_alive()
    os.kill(int(writer.pid or 0), signal.SIGKILL)
    writer.join()
    with store.opened(path) as opened:
        add(opened, OTHER, SELF)
        cells = opened.cells(Query(all=True))
        assert len(cells) > 5
        assert all(opened.series(cell) == SELF for cell in cells)


def _count(path: Path) -> int:
    with store.opened(path) as opened:
        return len(opened.cells(Query(all=True)))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE cell SET series = x'00' WHERE scenario = 'healthy'",
        "UPDATE cell SET series = substr(series, 1, length(series) - 5) WHERE scenario = 'healthy'",
        "UPDATE cell SET series = 'text' WHERE scenario = 'healthy'",
    ],
)
def test_a_damaged_row_is_told_and_left_out(
    damage: str, opened: Store, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are as good as before, and what was lost is measured anew."""
    add(opened, IMAGE, SELF)
    add(opened, IMAGE, HEALTHY)
    with sqlite3.connect(path) as other:
        other.execute(damage)
    other.close()
    assert opened.holding(ASKED) == {IMAGE.digest: frozenset({"exit-flush-self"})}
    found = [opened.series(cell) for cell in opened.cells(Query())]
    assert found == [SELF, None]
    assert "row 2 of the stored results is damaged" in capsys.readouterr().err
    with pytest.raises(MachineError, match="row 2"):
        opened.answer(IMAGE.digest, ASKED["healthy"])


@pytest.mark.parametrize("outcomes", ["no JSON", "[]", '{"released": "many"}', "[" * 5000])
def test_damaged_outcomes_are_told_and_left_out(outcomes: str, opened: Store, path: Path) -> None:
    add(opened, IMAGE, SELF)
    add(opened, IMAGE, HEALTHY)
    with sqlite3.connect(path) as other:
        other.execute("UPDATE cell SET outcomes = ? WHERE scenario = 'healthy'", (outcomes,))
    other.close()
    assert [cell.scenario for cell in opened.cells(Query())] == ["exit-flush-self"]


@pytest.mark.parametrize(
    "code",
    [
        "CREATE TRIGGER more AFTER INSERT ON cell BEGIN DELETE FROM cell; END",
        "CREATE VIEW more AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "CREATE TABLE more (id)",
        "ALTER TABLE cell RENAME TO hidden; CREATE VIEW cell AS SELECT * FROM hidden",
        "ALTER TABLE cell ADD COLUMN more TEXT AS (upper(spec))",
    ],
    ids=["trigger", "view", "table", "view in place of the table", "generated column"],
)
def test_a_file_that_holds_code_is_refused(code: str, path: Path) -> None:
    with store.opened(path):
        pass
    with sqlite3.connect(path) as database:
        database.executescript(code)
    database.close()
    with pytest.raises(MachineError, match="no store of fusezap's alone"), store.opened(path):
        pass


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE cell SET release = x'ff00' WHERE scenario = 'healthy'",
        "UPDATE cell SET mark = 7 WHERE scenario = 'healthy'; UPDATE cell SET mark = x'00' WHERE scenario = 'healthy'",
        "UPDATE cell SET outcomes = '{' WHERE scenario = 'healthy'",
    ],
)
def test_a_row_of_other_types_is_left_out(damage: str, opened: Store, path: Path) -> None:
    add(opened, IMAGE, SELF)
    add(opened, IMAGE, HEALTHY)
    with sqlite3.connect(path) as other:
        other.executescript(damage)
    other.close()
    assert [cell.scenario for cell in opened.cells(Query())] == ["exit-flush-self"]
    assert [cell.scenario for cell in opened.cells(Query(outcome="deadlock"))] == ["exit-flush-self"]


def test_text_that_is_no_utf_8_stays_a_row(opened: Store, path: Path) -> None:
    add(opened, IMAGE, SELF)
    with sqlite3.connect(path) as other:
        other.execute("UPDATE cell SET spec = CAST(x'fffe' AS TEXT)")
    other.close()
    (cell,) = opened.cells(Query())
    assert cell.spec == "\ufffd\ufffd"


def test_a_cell_beyond_all_measure_is_an_error(path: Path) -> None:
    with store.opened(path) as opened:
        add(opened, IMAGE, SELF)
    with sqlite3.connect(path) as other:
        other.execute("UPDATE cell SET series = zeroblob(?)", (bounded_json.SIZE + 1,))
    other.close()
    with pytest.raises(MachineError, match="too big"), store.opened(path) as opened:
        opened.holding(ASKED)


def test_what_is_no_regular_file_is_an_error(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(MachineError, match=r"results\.sqlite"), store.opened(path):
        pass
