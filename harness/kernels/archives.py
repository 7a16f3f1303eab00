"""Addresses of the public archives of kernels: all of them are here, and each gives way to an environment variable."""

from __future__ import annotations

import os

ADDRESSES = {
    "mainline": "https://kernel.ubuntu.com/mainline",
    "snapshot": "https://snapshot.debian.org",
    "koji": "https://kojipkgs.fedoraproject.org/packages/kernel",
}
"""Addresses, by the name of the source of kernels (`harness/kernels/sources`)."""


def variable(name: str) -> str:
    """The environment variable that names another address for an archive, such as that of a mirror of one's own."""
    return f"FUSEZAP_{name.upper()}"


def address(name: str) -> str:
    """The address of an archive, without a slash at its end."""
    return (os.environ.get(variable(name)) or ADDRESSES[name]).rstrip("/")
