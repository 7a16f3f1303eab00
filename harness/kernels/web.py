"""Files and indexes over HTTP: a file is resumed where it was broken off, and compared with its published checksum."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urljoin

from harness.errors import MachineError
from harness.kernels.progress import Bytes, Report
from harness.record import record

TRIES = 4
"""Connections for a file, as long as each of them brings some of it."""
TIMEOUT_S = 60
"""Seconds for a connection on which nothing comes."""
MOST_TEXT = 32 << 20
"""Bytes that an index may have: that of all versions of Debian's kernel has 200 kB."""
_CHUNK = 1 << 16


class MissingError(MachineError):
    """The server has no such file (404)."""


@record(frozen=True, slots=True)
class WebFile:
    """A file to fetch."""

    uri: str
    name: str
    """Its name here."""
    algorithm: str = ""
    """Name of the checksum, as hashlib has it; empty where none is published."""
    digest: str = ""
    """Hexadecimal."""


def sums(listed: str) -> dict[str, str]:
    """Read the lines of `sha256sum`; other lines, as Ubuntu's CHECKSUMS has them, are left out.

    Args:
        listed: The text of the list.

    Returns:
        SHA-256, hexadecimal, by the name of the file.
    """
    lines = (re.fullmatch(r"([0-9a-f]{64}) [ *](?:\./)?([^/\s]+)", line.strip()) for line in listed.splitlines())
    return {found[2]: found[1] for found in lines if found}


def text(uri: str) -> str:
    """Fetch an index.

    Args:
        uri: Its address.

    Returns:
        The text.

    Raises:
        MissingError: The server does not have it.
        MachineError: It cannot be fetched, or it is larger than any index.
    """
    for left in reversed(range(TRIES)):
        try:
            with _opened(uri, {}) as response:
                data = response.read(MOST_TEXT + 1)
                if len(data) > MOST_TEXT:
                    raise MachineError(f"{uri} is larger than {MOST_TEXT >> 20} MiB: it is no index")
                if response.length:  # read(N) gives what came before the connection broke
                    raise http.client.IncompleteRead(data, response.length)
                return data.decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            if not left or isinstance(error, urllib.error.HTTPError):
                raise _failed(uri, error) from error
    raise AssertionError("the last try returns or raises")


def links(uri: str) -> tuple[str, ...]:
    """List the folder behind an address, from the index page that Apache and nginx make of it.

    Args:
        uri: Its address, with a slash at the end.

    Returns:
        Names in the folder, those of folders with a slash at their end.
    """
    page = _Links()
    page.feed(text(uri))
    addresses = (urljoin(uri, each).partition("?")[0].partition("#")[0] for each in page.found)
    names = (unquote(each.removeprefix(uri)) for each in addresses if each.startswith(uri) and each != uri)
    return tuple(dict.fromkeys(name for name in names if "/" not in name.removesuffix("/")))


def fetch(files: tuple[WebFile, ...], folder: Path, report: Report) -> tuple[Path, ...]:
    """Fetch files.

    Args:
        files: The files; their names differ.
        folder: They come there.  A part of a file that an earlier fetch left there is resumed.
        report: Is called with the progress.

    Returns:
        The files, in their order.

    Raises:
        MissingError: The server does not have one.
        MachineError: One cannot be fetched, or is not what its checksum says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_fetched(each, folder / each.name, report) for each in files)


def _fetched(file: WebFile, path: Path, report: Report) -> Path:
    if path.exists():
        return path
    part = path.with_name(f"{path.name}.part")
    anew = True
    while True:
        resumed = _complete(file, part, report)
        if not file.algorithm or _digest(part, file.algorithm) == file.digest:
            part.rename(path)
            _validator(part).unlink(missing_ok=True)
            return path
        _forget(part)
        if not (resumed and anew):
            raise MachineError(
                f"{file.uri} is not what its {file.algorithm} says", "the archive, or somebody on the way, changed it"
            )
        anew = False  # the part was another version's, or damaged here


def _complete(file: WebFile, part: Path, report: Report) -> bool:
    """Fetch the rest of a file; True if something of it was there before."""
    resumed = part.exists()
    tries = TRIES
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _append(file, part, report)
            return resumed
        except (OSError, http.client.HTTPException) as error:
            now = part.stat().st_size if part.exists() else 0
            tries = TRIES if now > before else tries - 1
            final = isinstance(error, urllib.error.HTTPError) or (
                isinstance(error, OSError) and error.filename is not None
            )
            if final or not tries:
                raise _failed(file.uri, error) from error


def _append(file: WebFile, part: Path, report: Report) -> None:
    """Fetch by one connection what is missing."""
    validator = _validator(part)
    there = part.stat().st_size if part.exists() and validator.exists() else 0
    asked = {"Range": f"bytes={there}-", "If-Range": validator.read_text()} if there else {}
    try:
        response = _opened(file.uri, asked)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # the file is no longer than the part
            raise
        _forget(part)
        response = _opened(file.uri, {})
        there = 0
    with response, part.open("ab") as out:
        if response.status != 206:
            there = 0  # it has changed, or the server knows no ranges
            out.truncate(0)
        _keep_validator(response, validator)
        total = there + (response.length or 0)
        fetched = Bytes(f"fetching {file.name}", there, total)
        report(fetched)
        _copy(response, out, fetched, report)
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)


def _copy(response: http.client.HTTPResponse, out: IO[bytes], fetched: Bytes, report: Report) -> None:
    done = fetched.done
    while data := response.read(_CHUNK):
        out.write(data)
        done += len(data)
        now = fetched.at(done)
        if fetched.total and now.percent > fetched.percent:
            fetched = now
            report(fetched)


def _validator(part: Path) -> Path:
    """Has the text that tells the version of a part (RFC 9110, 13.1.5)."""
    return part.with_name(f"{part.name}-of")


def _keep_validator(response: http.client.HTTPResponse, path: Path) -> None:
    tag = response.headers.get("ETag", "")
    # A weak tag is no validator of a range.
    found = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
    if found:
        path.write_text(found)
    else:
        path.unlink(missing_ok=True)


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _validator(part).unlink(missing_ok=True)


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


class _NeverLessSecure(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but none from https to http."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https:"):
            raise urllib.error.HTTPError(req.full_url, code, f"it leads to {newurl}, without TLS", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opened(uri: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    request = urllib.request.Request(uri, headers={"User-Agent": "fusezap", **headers})
    opener = urllib.request.build_opener(_NeverLessSecure)
    response: http.client.HTTPResponse = opener.open(request, timeout=TIMEOUT_S)
    return response


def _failed(uri: str, error: Exception) -> MachineError:
    if isinstance(error, urllib.error.HTTPError):
        with error:
            if error.code == 404:
                return MissingError(f"{uri} is not there (404)")
            return MachineError(f"{uri} cannot be fetched: {error.code} {error.msg}")
    if isinstance(error, http.client.IncompleteRead):
        return MachineError(
            f"{uri} broke off {error.expected} bytes before its end, {TRIES} times",
            "the next try resumes where it was",
        )
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, OSError) and reason.strerror:
        reason = os.strerror(reason.errno) if reason.errno and reason.errno > 0 else reason.strerror
    return MachineError(f"{uri} cannot be fetched: {reason}", "is the server reachable?")


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]
