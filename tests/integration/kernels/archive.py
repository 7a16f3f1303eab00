"""A web server on the loopback interface, laid out as an archive: folders with an index, JSON, redirects, faults."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import quote, unquote, urlsplit

from harness.kernels.architectures import own

ARCHITECTURE = str(getattr(own(), "DEBIAN", "amd64"))


class Archive(ThreadingHTTPServer):
    """RFC 9110: ranges, and If-Range with a tag.  A folder is shown as Apache's mod_autoindex does."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.answers: dict[str, object] = {}
        """JSON documents by path."""
        self.moved: dict[str, str] = {}
        """Paths that are redirected, and where to."""
        self.asked: list[str] = []
        """Paths, in their order."""
        self.sent: list[tuple[int, int]] = []
        """First byte and number of bytes, for each package file that was asked for."""
        self.break_after: int | None = None
        """Bytes of a package file after which the connection breaks."""
        self.knows_ranges = True

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Archive

    def log_message(self, *_: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        name = unquote(urlsplit(self.path).path)
        self.server.asked.append(name)
        path = self.server.folder / name.strip("/")
        if name in self.server.moved:
            self.send_response(302)
            self.send_header("Location", self.server.moved[name])
            self.end_headers()
        elif name in self.server.answers:
            self._whole(json.dumps(self.server.answers[name]).encode())
        elif path.is_dir() and name.endswith("/"):
            self._whole(_index(path).encode())
        elif path.is_file():
            self._file(path)
        else:
            self.send_error(404)

    def _whole(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _file(self, path: Path) -> None:
        data, tag = path.read_bytes(), f'"{path.stat().st_mtime_ns}"'
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        first = int(asked[1]) if asked and self.server.knows_ranges and self.headers.get("If-Range") == tag else 0
        if first >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        end = len(data)
        if path.suffix in (".deb", ".rpm"):
            end = min(end, first + (self.server.break_after or end))
            self.server.sent.append((first, end - first))
        self.wfile.write(data[first:end])


def _index(folder: Path) -> str:
    names = [f"{path.name}/" if path.is_dir() else path.name for path in sorted(folder.iterdir())]
    rows = "".join(f'<tr><td><a href="{quote(name)}">{escape(name)}</a></td></tr>' for name in names)
    head = '<th><a href="?C=N;O=D">Name</a></th>'
    return f'<html><table><tr>{head}</tr><tr><td><a href="/">Parent Directory</a></td></tr>{rows}</table></html>'


def checksums(folder: Path) -> None:
    """As Ubuntu writes them, of two kinds in one file."""
    names = sorted(path.name for path in folder.glob("*.deb"))
    lines = ["# Checksums-Sha1:"]
    lines += [f"{hashlib.sha1((folder / name).read_bytes()).hexdigest()}  {name}" for name in names]
    lines += ["# Checksums-Sha256:"]
    lines += [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in names]
    (folder / "CHECKSUMS").write_text("\n".join(lines) + "\n")


@contextmanager
def served(folder: Path) -> Iterator[Archive]:
    """Serve a folder for a block."""
    with Archive(folder) as archive:
        thread = Thread(target=archive.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield archive
        finally:
            archive.shutdown()
            thread.join()
