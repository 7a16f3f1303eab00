"""`fusezap results` on a store of its own."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import main
from harness.commands import results
from harness.errors import UsageError
from harness.kernels.image import Image
from harness.matrix import store
from harness.model.records import Series
from tests.unit.results import KERNELS, series_of

OLD = Image("debian:bookworm", "6.1.0-49-amd64", "#1", "x86_64", "d" * 64, Path("/vmlinuz"))
NEW = replace(OLD, spec="debian:sid", release="7.2.0", digest="e" * 64)
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the newer kernel, what hung before goes away."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    hangs, goes = series_of("exit-flush-self"), series_of("healthy")
    mended = replace(goes, about=hangs.about)
    cells: list[tuple[Image, Series]] = [
        (OLD, replace(hangs, kernel=KERNELS[0])),
        (OLD, replace(goes, kernel=KERNELS[0])),
        (NEW, replace(mended, kernel=KERNELS[2])),
        (NEW, replace(goes, kernel=KERNELS[2])),
    ]
    with store.opened() as opened:
        for image, series in cells:
            opened.add("a matrix", image, "asked", series)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str) -> tuple[int, str, str]:
        with _stdout_kept(), pytest.raises(SystemExit) as ended:
            main(["results", *arguments])
        told = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, told.out, told.err

    return run


@contextmanager
def _stdout_kept() -> Iterator[None]:
    """A command that fails gives its stdout away when it ends; the test's is wanted again."""
    import os

    kept = os.dup(1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@pytest.mark.usefixtures("measured")
def test_every_cell_has_a_line(command: Command) -> None:
    status, out, _ = command()
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["debian:bookworm"] * 2 + ["debian:sid"] * 2


@pytest.mark.usefixtures("measured")
def test_json_and_csv_say_the_same(command: Command) -> None:
    cells = json.loads(command("--json")[1])
    rows = list(csv.DictReader(io.StringIO(command("--csv")[1])))
    assert [cell["scenario"] for cell in cells] == [row["scenario"] for row in rows]
    assert [cell["outcomes"].get("deadlock", 0) for cell in cells] == [int(row["deadlock"]) for row in rows]


@pytest.mark.usefixtures("measured")
def test_comparing_tells_what_changed_and_by_status_that_it_did(command: Command) -> None:
    status, out, _ = command("--compare", "debian:bookworm", "debian:sid")
    assert status == 1
    assert "exit-flush-self: deadlock -> released" in out
    assert "healthy" not in out
    assert "the same in 1 scenarios" in out
    assert command("--compare", "debian:sid", "debian:sid")[0] == 0
    status, out, _ = command("--compare", "debian:bookworm", "debian:sid", "--json")
    assert list(json.loads(out)) == ["exit-flush-self"]


@pytest.mark.usefixtures("measured")
def test_what_cannot_be_compared_is_an_error(command: Command) -> None:
    status, _, err = command("--compare", "debian:bookworm", "debian:trixie")
    assert status == 2
    assert "no results of 'debian:trixie'" in err


@pytest.mark.usefixtures("measured")
def test_a_report_has_the_evidence(command: Command, tmp_path: Path) -> None:
    assert command("--report", f"json={tmp_path}/report.json", "--scenario", "exit-flush-self")[0] == 0
    document = json.loads((tmp_path / "report.json").read_text())
    assert {each["kernel"]["release"] for each in document["series"]} == {KERNELS[0].release, KERNELS[2].release}
    assert any(result["form"] for result in document["results"])


def test_nothing_found_is_told_by_status(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert command()[0] == 1
    assert command("--json")[:2] == (1, "[]\n")


def test_an_unknown_outcome_is_refused(command: Command) -> None:
    status, _, err = command("--outcome", "hung")
    assert status == 2
    assert "deadlock" in err


@pytest.mark.parametrize(
    ("text", "found"),
    [("", ""), ("2026-01-31", "2026-01-31"), ("90m", "1970-01-01T22:30:00Z"), ("1d", "1970-01-01T00:00:00Z")],
)
def test_since_takes_a_date_or_an_age(text: str, found: str) -> None:
    assert results.since(text, 86400.0) == found


def test_since_refuses_what_is_neither() -> None:
    with pytest.raises(UsageError, match="no date and no age"):
        results.since("yesterday", 0.0)
