"""The store of finished cells: an SQLite database below XDG_STATE_HOME, from which nothing is deleted.

A cell is there whole or not at all, whoever is killed; several may write at once.  It has SQLite's rollback journal: a
change to its write-ahead log is refused at once, without patience, while anybody else has the file open.  Of a question
that was answered more than once (`--fresh`), the last answer counts, and the others stay to be looked at.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from harness import __version__
from harness.boundary import say
from harness.errors import MachineError
from harness.files import user_folder
from harness.kernels.image import Image
from harness.model import bounded_json, codec
from harness.model.records import Series
from harness.model.terms import Mark
from harness.record import record

SCHEMA = 1
"""Version of the database schema; SQLite keeps it as `user_version`."""
PATIENCE_S = 60.0
"""Seconds to wait for another writer."""
HOLDS = (Mark.PASS, Mark.FAIL, Mark.REPORTED)
"""Marks of a cell that need not be run again; what came to no conclusion is tried anew."""

_TABLES = """
CREATE TABLE cell (
    id INTEGER PRIMARY KEY,
    matrix TEXT NOT NULL,    -- the command that it was measured for
    at TEXT NOT NULL,        -- ISO 8601, UTC, to the second
    fusezap TEXT NOT NULL,   -- version
    spec TEXT NOT NULL, digest TEXT NOT NULL, release TEXT NOT NULL, version TEXT NOT NULL, machine TEXT NOT NULL,
    package TEXT NOT NULL,
    scenario TEXT NOT NULL,
    kind TEXT NOT NULL,
    asked TEXT NOT NULL,     -- digest of the question
    mark TEXT NOT NULL,
    outcomes TEXT NOT NULL,  -- JSON: times by outcome, the commonest first
    series BLOB NOT NULL,    -- JSON of the record, deflated
    UNIQUE (matrix, digest, scenario)
);
CREATE INDEX answer ON cell (asked, digest);
CREATE INDEX scenario_of ON cell (digest, scenario, id);
"""


@record(frozen=True, slots=True)
class Cell:
    """A row, without its evidence."""

    id: int
    at: str
    fusezap: str
    spec: str
    digest: str
    release: str
    version: str
    machine: str
    package: str
    scenario: str
    kind: str
    mark: str
    outcomes: dict[str, int]


_COLUMNS = tuple(Cell.__dataclass_fields__)


@record(frozen=True, slots=True)
class Query:
    """Conditions for cells, all of which must hold.  Globs are those of SQLite, and case matters."""

    kernel: str = "*"
    """Fits what names the kernel: spec, release, package, or digest."""
    scenario: str = "*"
    outcome: str | None = None
    """An outcome that at least one run came to."""
    since: str = ""
    """As `Cell.at`."""
    all: bool = False
    """Also the older cells of each kernel and scenario."""


def base() -> Path:
    return user_folder("XDG_STATE_HOME", ".local/state") / "fusezap" / "results.sqlite"


@contextmanager
def opened(path: Path | None = None) -> Iterator[Store]:
    """The store at `path`, or where it is kept; made where there is none."""
    path = path or base()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)) as database:
            _guard(database)
            yield Store(database, path)
    except (sqlite3.Error, OSError) as error:
        raise MachineError(f"the results in {path} cannot be read or written: {error}") from error


def _guard(database: sqlite3.Connection) -> None:
    """Let a file of somebody else run nothing, and take no more memory than a result can need."""
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, bounded_json.SIZE)
    database.text_factory = lambda data: data.decode(errors="replace")


class Store:
    def __init__(self, database: sqlite3.Connection, path: Path) -> None:
        self._database = database
        self._create(path)

    def _create(self, path: Path) -> None:
        if self._schema() == 0:
            with self._changing():
                if self._schema() == 0:  # else somebody was faster
                    for statement in filter(str.strip, _TABLES.split(";")):
                        self._database.execute(statement)
                    self._database.execute(f"PRAGMA user_version = {SCHEMA}")
        if self._schema() > SCHEMA:
            raise MachineError(f"{path} was written by a newer fusezap", "use that, or set XDG_STATE_HOME")
        # A trigger, a view or a generated column is code of whoever made the file, and would run in our queries.
        found = {_words(sql) for (sql,) in self._database.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL")}
        if found != {_words(statement) for statement in filter(str.strip, _TABLES.split(";"))}:
            raise MachineError(f"{path} is no store of fusezap's alone", "move it away, or set XDG_STATE_HOME")

    def _schema(self) -> int:
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        return int(version)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """A transaction: all changes of the block or none, by one writer at a time."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def add(self, matrix: str, image: Image, asked: str, series: Series) -> None:
        """Add a cell; the same cell of the same matrix is stored once."""
        outcomes = json.dumps({count.outcome: count.times for count in series.counts})
        record = zlib.compress(json.dumps(codec.encode(series), separators=(",", ":")).encode())
        row = (
            *(matrix, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), __version__),
            *(image.spec, image.digest, series.kernel.release, series.kernel.version, series.kernel.machine),
            *(image.package, series.about.name, series.about.kind, asked, series.mark, outcomes, record),
        )
        with self._changing():
            self._database.execute(
                "INSERT OR IGNORE INTO cell (matrix, at, fusezap, spec, digest, release, version, machine, package,"
                f" scenario, kind, asked, mark, outcomes, series) VALUES ({', '.join('?' * len(row))})",
                row,
            )

    def holding(self, asked: Mapping[str, str]) -> dict[str, frozenset[str]]:
        """Scenarios with an answer that holds, by the digest of the kernel.  `asked`: the question of each scenario."""
        marks = ", ".join(f"'{mark}'" for mark in HOLDS)
        found: dict[str, set[str]] = {}
        for scenario, question in asked.items():
            rows = self._database.execute(
                "SELECT digest, id, series FROM cell WHERE id IN "
                f"(SELECT max(id) FROM cell WHERE asked = ? GROUP BY digest) AND mark IN ({marks})",
                (question,),
            )
            for digest, number, packed in rows:
                if _unpacked(number, packed) is not None:  # else it is measured anew
                    found.setdefault(digest, set()).add(scenario)
        return {digest: frozenset(names) for digest, names in found.items()}

    def answer(self, digest: str, asked: str) -> Series:
        """The newest result for a fingerprint under a kernel."""
        number, record = self._database.execute(
            "SELECT id, series FROM cell WHERE asked = ? AND digest = ? ORDER BY id DESC LIMIT 1", (asked, digest)
        ).fetchone()
        text = _unpacked(number, record)
        if text is None:
            raise MachineError(f"row {number} of the stored results is damaged", "measure it anew by --fresh")
        try:
            return _series(text)
        except ValueError as error:
            raise MachineError(f"row {number} of the stored results is damaged: {error}", "use --fresh") from error

    def cells(self, query: Query) -> list[Cell]:
        """The cells that a query finds, in the order in which they were measured."""
        conditions = [
            "(spec GLOB ? OR release GLOB ? OR package GLOB ? OR digest GLOB ?)",
            "scenario GLOB ?",
            "at >= ?",
        ]
        values: list[object] = [*[query.kernel] * 4, query.scenario, query.since]
        if not query.all:
            conditions.append("id IN (SELECT max(id) FROM cell GROUP BY digest, scenario)")
        if query.outcome is not None:
            valid = "CASE WHEN json_valid(outcomes) THEN outcomes ELSE '{}' END"
            conditions.append(f"EXISTS (SELECT 1 FROM json_each({valid}) WHERE key = ?)")
            values.append(query.outcome)
        rows = self._database.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM cell WHERE {' AND '.join(conditions)} ORDER BY id", values
        )
        return [cell for row in rows if (cell := _cell(row)) is not None]

    def series(self, cell: Cell) -> Series | None:
        """The whole record of a cell; None, after a message on stderr, where the row is damaged."""
        (record,) = self._database.execute("SELECT series FROM cell WHERE id = ?", (cell.id,)).fetchone()
        text = _unpacked(cell.id, record)
        try:
            return None if text is None else _series(text)
        except ValueError as error:
            _tell_damaged(cell.id, error)
            return None


def _words(sql: str) -> str:
    """A statement without its comments and its spaces."""
    return "".join(re.sub("--.*", "", str(sql)).split())


def _cell(row: tuple[Any, ...]) -> Cell | None:
    """None, after a message on stderr, where the row is damaged."""
    try:
        outcomes = bounded_json.parse(row[-1], 1 << 16)
        if not isinstance(outcomes, dict) or not all(isinstance(times, int) for times in outcomes.values()):
            raise ValueError(f"its outcomes are {row[-1]!r}")
        if not all(isinstance(value, str) for value in row[1:-1]):
            raise ValueError("a text of it is none")
        return Cell(**{**dict(zip(_COLUMNS, row, strict=True)), "outcomes": outcomes})
    except (ValueError, TypeError) as error:
        _tell_damaged(row[0], error)
        return None


def _unpacked(number: object, record: object) -> bytes | None:
    """The JSON of a row, whose sum zlib checks; None, after a message on stderr, where it is damaged."""
    try:
        if not isinstance(record, bytes):
            raise ValueError("it holds no evidence")
        unpack = zlib.decompressobj()
        text = unpack.decompress(record, bounded_json.SIZE)
        if not unpack.eof:
            raise ValueError("its evidence ends in the middle, or is too large")
        return text
    except (ValueError, zlib.error) as error:
        _tell_damaged(number, error)
        return None


def _tell_damaged(number: object, error: Exception) -> None:
    say(f"fusezap: row {number} of the stored results is damaged and left out: {error}")


def _series(text: bytes) -> Series:
    return codec.decode(Series, bounded_json.parse(text))
