"""Files by apt's own transports: proxies, mirrors and passwords are as the machine has them.

By apt-helper, which goes on where a file was broken off and checks its sum; `apt-get download` begins anew, and takes
what has the right size unread (apt 2.6).
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path
from urllib.parse import unquote

from harness.errors import MachineError
from harness.kernels.progress import Bytes, Report
from harness.record import record

_HELPER = "/usr/lib/apt/apt-helper"
_LINE = re.compile(r"^'(?P<uri>[^']+)' (?P<name>[^/\s]+) (?P<size>[0-9]{1,15}) SHA256:(?P<sha256>[0-9a-f]{64})$", re.M)


@record(frozen=True, slots=True)
class Remote:
    uri: str
    name: str
    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal."""

    @property
    def package(self) -> str:
        """Name and version."""
        return unquote(self.name).removesuffix(".deb")


def remotes(printed: str) -> tuple[Remote, ...]:
    """From `apt-get download --print-uris`; those without a sum that can be trusted are left out."""
    return tuple(
        Remote(each["uri"], each["name"], int(each["size"]), each["sha256"]) for each in _LINE.finditer(printed)
    )


def fetch(wanted: tuple[Remote, ...], folder: Path, report: Report) -> tuple[Path, ...]:
    """The files, in `folder`, which then holds nothing else.  What is there of them in part is gone on with, unless it
    was left by a SIGKILL: then its mtime does not identify the version."""
    folder.mkdir(exist_ok=True)
    paths = {folder / each.name: each for each in wanted}
    for left in set(folder.iterdir()) - set(paths):
        left.unlink()
    words = [word for path, each in paths.items() for word in (each.uri, str(path), f"SHA256:{each.sha256}")]
    first, *others = (each.name.partition("_")[0] for each in wanted)
    what = f"fetching {first}" + (f" and {len(others)} more" if others else "")
    fetched = Bytes(what, 0, sum(each.size for each in wanted))
    report(fetched)
    reading, writing = os.pipe()
    options = ("-o", "APT::Sandbox::User=root", "-o", f"APT::Status-Fd={writing}")
    with open(reading) as status:
        try:
            process = subprocess.Popen(
                [_HELPER, *options, "download-file", *words],
                env={**os.environ, "LC_ALL": "C"},
                process_group=0,
                pass_fds=(writing,),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        except FileNotFoundError as error:
            raise MachineError(f"{_HELPER} is not there", "kernels of Debian are fetched by apt") from error
        finally:
            os.close(writing)
        with process:
            try:
                for _ in status:  # twice a second
                    now = fetched.at(sum(path.stat().st_size for path in paths if path.exists()))
                    if now.percent > fetched.percent:
                        fetched = now
                        report(fetched)
                errors = process.communicate()[1]
            except BaseException:
                # The transport too: it then gives the file the time of its version.
                os.killpg(process.pid, signal.SIGTERM)
                raise
    if process.returncode:
        lines = [line for line in errors.splitlines() if line.startswith("E: Failed")] or errors.splitlines()
        raise MachineError(
            "a package could not be fetched; the next try goes on with what is there", "\n".join(lines[-3:])
        )
    return tuple(paths)
