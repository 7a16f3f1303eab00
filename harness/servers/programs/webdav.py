"""A WebDAV server of one folder: as much of the protocol as davfs2 needs.

python -m harness.servers.programs.webdav PORT FOLDER
"""

from __future__ import annotations

import os
import sys
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from xml.sax.saxutils import escape


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    folder = Path()

    def do_OPTIONS(self) -> None:
        self._reply(200, headers=(("DAV", "1"), ("Allow", "OPTIONS, GET, HEAD, PUT, DELETE, MKCOL, PROPFIND")))

    def do_PROPFIND(self) -> None:
        self._body()
        path = self._path()
        if not path.exists():
            return self._reply(404)
        found = [path, *(sorted(path.iterdir()) if path.is_dir() and self.headers.get("Depth") != "0" else ())]
        responses = "".join(map(self._response, found))
        text = f'<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:">{responses}</D:multistatus>'
        return self._reply(207, text.encode(), (("Content-Type", "application/xml; charset=utf-8"),))

    def do_HEAD(self) -> None:
        self._send_file(body=False)

    def do_GET(self) -> None:
        self._send_file(body=True)

    def do_PUT(self) -> None:
        path = self._path()
        status = 204 if path.exists() else 201
        path.write_bytes(self._body())
        self._reply(status, headers=self._validators(path))

    def do_MKCOL(self) -> None:
        self._path().mkdir()
        self._reply(201)

    def do_DELETE(self) -> None:
        self._path().unlink(missing_ok=True)
        self._reply(204)

    def _path(self) -> Path:
        """Without `..`: no client gets out of the folder."""
        parts = [part for part in unquote(urlsplit(self.path).path).split("/") if part not in ("", ".", "..")]
        return self.folder.joinpath(*parts)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _response(self, path: Path) -> str:
        stat = path.stat()
        kind = "<D:collection/>" if path.is_dir() else ""
        href = "/" + quote(os.path.relpath(path, self.folder).removeprefix("."))
        name = href + "/" if kind and href != "/" else href
        properties = (
            f"<D:resourcetype>{kind}</D:resourcetype><D:getcontentlength>{stat.st_size}</D:getcontentlength>"
            f"<D:getlastmodified>{formatdate(stat.st_mtime, usegmt=True)}</D:getlastmodified>"
            f"<D:getetag>{escape(_etag(stat))}</D:getetag>"
        )
        status = "<D:status>HTTP/1.1 200 OK</D:status>"
        return (
            f"<D:response><D:href>{escape(name)}</D:href><D:propstat><D:prop>{properties}</D:prop>"
            f"{status}</D:propstat></D:response>"
        )

    def _validators(self, path: Path) -> tuple[tuple[str, str], ...]:
        stat = path.stat()
        return ("ETag", _etag(stat)), ("Last-Modified", formatdate(stat.st_mtime, usegmt=True))

    def _send_file(self, body: bool) -> None:
        path = self._path()
        if path.is_file():
            data = path.read_bytes()
            self._reply(200, data, self._validators(path), body)
        else:
            self._reply(200 if path.is_dir() else 404)

    def _reply(
        self, status: int, data: bytes = b"", headers: tuple[tuple[str, str], ...] = (), body: bool = True
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)


def _etag(stat: os.stat_result) -> str:
    return f'"{stat.st_ino:x}-{stat.st_mtime_ns:x}"'


def main(port: str, folder: str) -> None:
    """Run the server; never returns."""
    Handler.folder = Path(folder)
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
