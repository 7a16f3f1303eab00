"""The pure parts of what is measured of FUSE servers: declarations, versions, words, formats; and their backends."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness import registry
from harness.errors import UsageError
from harness.model.records import Kernel, Outcome
from harness.runtimes.driver import NeededProgram
from harness.servers import catalogue, formats, library, why
from harness.servers.experiment import opened_paths, places_of, specification
from harness.servers.observation import Rest
from harness.servers.programs import s3, webdav
from harness.servers.records import Cell, Death, Ending, ServerResult, ServersReport, StuckTask, Workload
from harness.servers.server import Places, Service

EVIL = "a|b\x1b[31m <script> `x` ]"
PLACES = places_of("/run/fusezap-1/mnt", {})
FLUSHES = StuckTask(7, "unionfs", "D", "fuse_flush")


def declared(name: str) -> tuple[Service, Places]:
    module = catalogue.server(name)
    needs: tuple[NeededProgram, ...] = module.NEEDS
    places = places_of(PLACES.folder, {program: f"/bin/{program}" for need in needs for program in need.programs})
    service: Service = module.service(places)
    return service, places


@pytest.mark.parametrize("name", catalogue.names())
def test_a_server_mounts_and_writes_in_its_run_alone(name: str) -> None:
    service, places = declared(name)
    assert any(places.mount in word for word in service.serve)
    assert all(path.startswith(f"{places.folder}/") for path, _ in service.files)
    read, write = opened_paths(service, places, Workload.CLIENT)
    assert read.startswith(f"{places.mount}/")
    assert not write or write.startswith(f"{places.mount}/")
    if service.nested:
        assert opened_paths(service, places, Workload.NESTED)[0] != read
    assert json.loads(specification(service, places, "fusezap-1"))["serve"] == list(service.serve)
    assert bool(service.backend) == any(str(places.port) in word for word in (*service.serve, *dict(service.files)))


@pytest.mark.parametrize("name", catalogue.names())
def test_a_missing_package_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.runtimes.tools.shutil.which", lambda *_, **__: None)
    monkeypatch.setattr(os.path, "exists", lambda _: False)
    module = catalogue.server(name)
    _, missing = catalogue.find(module)
    packages = [need.package for need in module.NEEDS] + [package for _, package in getattr(module, "FILES", ())]
    assert [text.rpartition("install ")[2] for text in missing] == packages


def test_there_are_at_least_a_dozen_and_both_kinds() -> None:
    nested = [name for name in catalogue.names() if declared(name)[0].nested]
    assert len(catalogue.names()) >= 12
    assert 4 <= len(nested) < len(catalogue.names())


def test_an_unknown_server_is_refused_with_those_near_it() -> None:
    with pytest.raises(UsageError, match="sshfs"):
        catalogue.server("shsfs")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("fusermount3 version: 3.14.0\nSSHFS version 3.7.3\nFUSE library version 3.14.0\n", "3.7.3"),
        ("fusermount3 version: 3.14.0\nfuse-overlayfs: version 1.10\nFUSE library version 3.14.0\n", "1.10"),
        ("fuse-zip version: 0.5.0\nFUSE library version: 2.9.9\n", "0.5.0"),
        ("bindfs 1.14.7\n", "1.14.7"),
        ("gocryptfs 2.3; go-fuse [vendored]; 2022-11-09 go1.19.3 linux/amd64\n", "2.3"),
        ('{"version": "5.0.3"}', "5.0.3"),
        ("0.1.105-1+b2", "0.1.105-1+b2"),
        ("no such option", ""),
    ],
)
def test_a_version_is_the_programs_own_and_not_that_of_its_library(text: str, version: str) -> None:
    assert library.version_in(text) == version


def test_the_library_is_found_in_the_output_of_ldd() -> None:
    text = "\tlibc.so.6 => /lib/libc.so.6 (0x1)\n\tlibfuse3.so.3 => /lib/x/libfuse3.so.3 (0x2)\n"
    assert library.parse_ldd(text) == ("libfuse3", "/lib/x/libfuse3.so.3")
    assert library.parse_ldd("\tnot a dynamic executable\n") is None


def test_a_program_without_a_version_has_none(tmp_path: Path) -> None:
    assert library.version(str(tmp_path / "absent"), "--version", "absent") == ""


def ended(outcome: Outcome, *stuck: StuckTask, released_ms: float | None = None) -> Ending:
    return Ending(outcome, ("the reason",), 12.0, stuck, released_ms)


RELEASED = ended(Outcome.RELEASED)
DEAD = ended(Outcome.DEADLOCK, FLUSHES, released_ms=2.5)


@pytest.mark.parametrize(
    ("cell", "flush", "words"),
    [
        (Cell(Workload.CLIENT, Death.CONTAINER, server=RELEASED), True, "closes the device"),
        (Cell(Workload.NESTED, Death.SERVER, holds_own=True, server=RELEASED), False, "no FLUSH"),
        (Cell(Workload.NESTED, Death.EXIT, holds_own=True, server=RELEASED), True, "device before its files"),
        (Cell(Workload.NESTED, Death.SERVER, waits_for_itself=True, server=RELEASED), None, "nobody had read"),
        (Cell(Workload.NESTED, Death.SERVER, holds_own=True, server=DEAD), True, "fuse_flush()"),
        (
            Cell(
                Workload.NESTED,
                Death.EXIT,
                waits_for_itself=True,
                needed_kill=True,
                server=ended(Outcome.DEADLOCK, StuckTask(7, "a", "D", "request_wait_answer")),
            ),
            None,
            "SIGTERM did not end it; at SIGKILL, it waited for itself, and had read the request",
        ),
        (Cell(Workload.CLIENT, Death.EXIT, server=ended(Outcome.STARVED)), True, "the reason"),
        (Cell(Workload.CLIENT, Death.EXIT, error="no mount"), True, ""),
    ],
)
def test_why_is_drawn_from_what_was_measured(cell: Cell, flush: bool | None, words: str) -> None:
    text = why.of_cell(ServerResult("a", "b", flush=flush), cell)
    assert words in text
    assert bool(words) == bool(text)


def test_what_does_not_come_to_exit_is_no_verdict() -> None:
    assert why.short(ended(Outcome.INCONCLUSIVE, FLUSHES)) == "hangs before its exit"
    assert why.short(ended(Outcome.INCONCLUSIVE)) == "inconclusive"
    assert why.short(None) == ""


def test_a_cell_is_good_when_all_ended_and_nothing_is_left() -> None:
    good = Cell(Workload.CLIENT, Death.EXIT, server=DEAD, neighbour=RELEASED)
    assert good.good
    assert not Cell(Workload.CLIENT, Death.EXIT, server=DEAD, neighbour=RELEASED, leftovers=("a mount",)).good
    assert not Cell(Workload.CLIENT, Death.EXIT, server=ended(Outcome.DEADLOCK, FLUSHES), neighbour=RELEASED).good
    assert not Cell(Workload.CLIENT, Death.EXIT, error="it did not mount").good


def report() -> ServersReport:
    prone = ServerResult(
        "unionfs-fuse",
        f"branches {EVIL}",
        "1.0",
        "libfuse 2.9.9",
        True,
        (
            Cell(Workload.CLIENT, Death.CONTAINER, 5, server=RELEASED, neighbour=RELEASED),
            Cell(Workload.NESTED, Death.CONTAINER, 7, True, server=DEAD, neighbour=RELEASED),
            Cell(Workload.NESTED, Death.SERVER, error=f"it ended: {EVIL}", leftovers=("folder /run/x",)),
        ),
    )
    absent = ServerResult("sshfs", "SFTP", missing=("sshfs is not installed: install sshfs",))
    return ServersReport(
        "fusezap servers", "1.2.3", "2026-01-02T03:04:05Z", 9.0, Kernel("6.1", "#1", "x86_64"), (prone, absent)
    )


@pytest.mark.parametrize("name", registry.names(formats))
def test_a_format_has_all_of_it_and_no_control_characters(name: str) -> None:
    text = registry.module(formats, name, "SUMMARY", "render").render(report())
    assert "\x1b" not in text
    for words in ("unionfs-fuse", "libfuse 2.9.9", "install sshfs", "folder /run/x", "it ended"):
        assert words in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_the_table_has_a_row_a_server_and_the_neighbours_outcome_where_it_is_another() -> None:
    text = registry.module(formats, "markdown").render(report())
    (row,) = [line for line in text.splitlines() if "deadlock" in line and line.startswith("|")]
    heads = "| unionfs-fuse | 1.0 | libfuse 2.9.9 | 5 to 7 | waited for |"
    assert row == f"{heads} deadlock / released | not measured | not measured |"
    assert "<script>" not in text.replace("\\<script\\>", "")
    assert "1 of 1 servers leave" in text


def test_the_document_says_who_is_prone_and_why() -> None:
    first, second = json.loads(registry.module(formats, "json").render(report()))["servers"]
    assert (first["prone"], first["good"], second["prone"]) == (True, False, False)
    assert "fuse_flush()" in first["cells"][1]["why"]


def test_a_state_counts_as_rest_only_if_the_same_tasks_do_not_run() -> None:
    rest = Rest(0.0)
    assert not rest.reached(())
    assert rest.reached(((7, 1),))
    patient = Rest(3600.0)
    assert not patient.reached(((7, 1),))
    assert not patient.reached(((7, 2),))


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[HTTPConnection]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    connection = HTTPConnection("127.0.0.1", server.server_address[1], timeout=30)
    try:
        yield connection
    finally:
        connection.close()
        server.shutdown()
        thread.join()
        server.server_close()


def asked(
    connection: HTTPConnection, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, bytes]:
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    reply = connection.getresponse()
    return reply.status, reply.read()


def test_the_bucket_stores_lists_copies_and_forgets() -> None:
    class Own(s3.Handler):
        bucket = "bucket"
        objects: dict[str, s3.Stored] = {}  # noqa: RUF012

        def log_message(self, *_: object) -> None:
            return

    with listening(Own) as bucket:
        assert asked(bucket, "PUT", "/bucket/a/b%20c", b"text") == (200, b"")
        assert asked(bucket, "GET", "/bucket/a/b%20c") == (200, b"text")
        assert asked(bucket, "PUT", "/bucket/copy", b"", x_amz_copy_source="/bucket/a/b%20c")[0] == 200
        assert asked(bucket, "HEAD", "/bucket/copy") == (200, b"")
        listing = asked(bucket, "GET", "/bucket?delimiter=/&prefix=")[1]
        assert b"<Key>copy</Key>" in listing
        assert b"<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>" in listing
        assert asked(bucket, "DELETE", "/bucket/copy")[0] == 204
        assert asked(bucket, "GET", "/bucket/copy")[0] == 404


def test_the_share_serves_its_folder_and_nothing_above_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "share").mkdir()

    class Own(webdav.Handler):
        folder = tmp_path / "share"

        def log_message(self, *_: object) -> None:
            return

    with listening(Own) as share:
        assert asked(share, "PUT", "/new", b"text")[0] == 201
        assert asked(share, "PUT", "/new", b"other")[0] == 204
        assert asked(share, "GET", "/new") == (200, b"other")
        status, listing = asked(share, "PROPFIND", "/", Depth="1")
        assert (status, b"<D:href>/new</D:href>" in listing) == (207, True)
        assert asked(share, "GET", "/../secret")[0] == 404
        assert asked(share, "DELETE", "/new")[0] == 204
        assert not (tmp_path / "share" / "new").exists()
