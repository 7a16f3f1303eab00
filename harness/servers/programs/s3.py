"""An S3 server in memory, of one bucket: as much of the protocol as s3fs needs.

    python -m harness.servers.programs.s3 PORT BUCKET FILE

It listens on the loopback interface, believes every signature, and has FILE as the object `file`.
"""

from __future__ import annotations

import hashlib
import sys
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from harness.record import record


@record(frozen=True, slots=True)
class Stored:
    """An object: its bytes, the headers that it was stored with, and the time in seconds since 1970."""

    data: bytes
    headers: tuple[tuple[str, str], ...]
    time: float

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.data, usedforsecurity=False).hexdigest()}"'


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    bucket = ""
    objects: dict[str, Stored] = {}  # noqa: RUF012

    def do_HEAD(self) -> None:
        self._send_object(self._key(), body=False)

    def do_GET(self) -> None:
        key, query = self._key(), parse_qs(urlsplit(self.path).query)
        if key:
            self._send_object(key, body=True)
        else:
            self._reply(200, self._listing(query.get("prefix", [""])[0], query.get("delimiter", [""])[0]))

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        source = self.headers.get("x-amz-copy-source")
        if source:
            copied = self.objects.get(unquote(source).partition(f"/{self.bucket}/")[2])
            if copied is None:
                return self._reply(404)
            data = copied.data
        kept = tuple((k, v) for k, v in self.headers.items() if k.lower().startswith(("x-amz-meta-", "content-type")))
        stored = self.objects[self._key()] = Stored(data, kept, time.time())
        body = f"<CopyObjectResult><ETag>{escape(stored.etag)}</ETag></CopyObjectResult>" if source else ""
        return self._reply(200, body, (("ETag", stored.etag),))

    def do_DELETE(self) -> None:
        self.objects.pop(self._key(), None)
        self._reply(204)

    def _key(self) -> str:
        """The object's name; empty for the bucket itself."""
        return unquote(urlsplit(self.path).path).removeprefix(f"/{self.bucket}").removeprefix("/")

    def _listing(self, prefix: str, delimiter: str) -> str:
        entries, folders = [], set()
        for key, stored in sorted(self.objects.items()):
            if key.startswith(prefix):
                head, found, _ = key.removeprefix(prefix).partition(delimiter) if delimiter else (key, "", "")
                if found:
                    folders.add(f"{prefix}{head}{delimiter}")
                else:
                    moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(stored.time))
                    entries.append(
                        f"<Contents><Key>{escape(key)}</Key><LastModified>{moment}</LastModified>"
                        f"<ETag>{escape(stored.etag)}</ETag><Size>{len(stored.data)}</Size></Contents>"
                    )
        common = "".join(
            f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>" for each in sorted(folders)
        )
        inner = f"<Name>{escape(self.bucket)}</Name><Prefix>{escape(prefix)}</Prefix><IsTruncated>false</IsTruncated>"
        return f"<ListBucketResult>{inner}{''.join(entries)}{common}</ListBucketResult>"

    def _send_object(self, key: str, body: bool) -> None:
        stored = self.objects.get(key) if key else Stored(b"", (), time.time())
        if stored is None:
            return self._reply(404)
        headers = (*stored.headers, ("ETag", stored.etag), ("Last-Modified", formatdate(stored.time, usegmt=True)))
        self.send_response(200)
        for name, value in (*headers, ("Content-Length", str(len(stored.data)))):
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(stored.data)
        return None

    def _reply(self, status: int, text: str = "", headers: tuple[tuple[str, str], ...] = ()) -> None:
        data = text.encode()
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(data)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def main(port: str, bucket: str, file: str) -> None:
    """Run the server; never returns."""
    Handler.bucket = bucket
    Handler.objects = {"file": Stored(Path(file).read_bytes(), (("Content-Type", "text/plain"),), time.time())}
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
