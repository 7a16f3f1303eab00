"""An archive of Debian on the loopback interface, whose packages may stop half way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread


class Mirror(ThreadingHTTPServer):
    """RFC 9110: ranges, and If-Range with a date."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.sent: list[tuple[int, int]] = []
        """First byte and number of bytes, for each package that was asked for."""
        self.stop_after: int | None = None
        """Bytes of a package after which nothing more comes, until `go_on`; then the connection ends."""
        self.go_on = Event()

    @property
    def source(self) -> str:
        return f"deb [trusted=yes] http://127.0.0.1:{self.server_port} ./\n"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Mirror

    def log_message(self, *_: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        path = self.server.folder / Path(self.path).name
        if not path.is_file():
            self.send_error(404)
            return
        data, changed = path.read_bytes(), formatdate(path.stat().st_mtime, usegmt=True)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        first = int(asked[1]) if asked and self.headers.get("If-Range") == changed else 0
        if first >= len(data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("Last-Modified", changed)
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        end = len(data)
        if path.suffix == ".deb" and self.server.stop_after is not None:
            end = first + self.server.stop_after
        self.wfile.write(data[first:end])
        if path.suffix == ".deb":
            self.server.sent.append((first, end - first))
        if end < len(data):
            self.wfile.flush()
            self.server.go_on.wait()
            self.close_connection = True


@contextmanager
def served(folder: Path) -> Iterator[Mirror]:
    with Mirror(folder) as mirror:
        thread = Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield mirror
        finally:
            mirror.go_on.set()
            mirror.shutdown()
            thread.join()
