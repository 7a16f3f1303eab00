"""s3fs: a bucket as a folder; here of an S3 server in memory, on the loopback interface."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "a bucket of object storage; here on the loopback interface"
NEEDS = (NeededProgram(("s3fs",), "s3fs"),)
VERSION = "--version"
LIBRARY = ""


def service(places: Places) -> Service:
    """The way it is started."""
    url = f"http://127.0.0.1:{places.port}"
    passwords = f"{places.work}/passwords"
    options = f"url={url},use_path_request_style,passwd_file={passwords}"
    return Service(
        serve=(places.tools["s3fs"], "bucket", places.mount, "-f", "-o", options),
        file="file",
        scratch="scratch",
        backend=(*places.python, "harness.servers.programs.s3", str(places.port), "bucket", f"{places.data}/file"),
        files=((passwords, "key:secret\n"),),
    )
