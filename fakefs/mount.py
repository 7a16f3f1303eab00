"""The mount: what the machine lacks for it, its options, and the session from its begin to its end."""

import ctypes
import errno
import os
import stat
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fakefs.binding import Binding
from fakefs.errors import SetupError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

    from fakefs.server import Server

DEVICE = "/dev/fuse"

#: How bytes of names become text: as Python does it for its own files, so that a name that is no UTF-8 is no error.
ENCODING = "fakefs-names"

DEFAULTS: dict[str, str | bool] = {
    "subtype": "fakefs",
    # Inode numbers are the tree's, so that cp -a and tar see hard links.
    "use_ino": True,
    # What the kernel remembers never arrives here, and no rule could fire for it; and libfuse's high-level interface
    # has an inode per path, so remembered attributes of hard links would differ.
    "attr_timeout": "0",
    "entry_timeout": "0",
    # Held requests of readahead and writeback count as background; beyond this many the kernel queues all others
    # (fuse_request_queue_background()).
    "max_background": "4096",
    "congestion_threshold": "4096",
    "big_writes": True,
}


def parse_option(text: str) -> tuple[str, str | bool]:
    """(key, value) of one mount option, 'KEY' or 'KEY=VALUE'. Raises ValueError."""
    key, equals, value = text.partition("=")
    if not key or "," in text:
        raise ValueError(f"{text!r} is not KEY or KEY=VALUE; give -o once for each option")
    return key, value if equals else True


def mount_options(fsname: str, chosen: Mapping[str, str | bool]) -> dict[str, str | bool]:
    """The defaults, and what was chosen over them. libfuse splits at commas, so the name must not have one."""
    return {**DEFAULTS, **chosen, "fsname": fsname.replace("\\", "\\\\").replace(",", "\\,")}


def check_mountpoint(path: str, chosen: Mapping[str, str | bool]) -> None:
    """Raises SetupError. Only ever called before the mount: a stat of a mounted one could hang."""
    try:
        mode = os.stat(path).st_mode
        names = os.listdir(path) if stat.S_ISDIR(mode) else []
    except OSError as error:
        hint = {
            errno.ENOENT: f"create it: mkdir {path}",
            errno.ENOTCONN: f"a dead FUSE mount is there: umount -l {path}",
        }.get(error.errno or 0, "choose another one")
        raise SetupError(f"mountpoint {path}: {error.strerror}; {hint}", error.errno or 0) from None
    if not stat.S_ISDIR(mode):
        raise SetupError(f"mountpoint {path}: is no directory; choose an empty one", errno.ENOTDIR)
    if names and not chosen.get("nonempty"):
        raise SetupError(
            f"mountpoint {path}: is not empty; choose an empty directory, or hide what is there with -o nonempty",
            errno.ENOTEMPTY,
        )


def check_device() -> None:
    """Raises SetupError if the FUSE device cannot be opened."""
    try:
        os.close(os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        hint = {
            errno.ENOENT: "load the module (modprobe fuse); in a container give it the device (--device /dev/fuse)",
            errno.ENODEV: "load the module: modprobe fuse",
            errno.EPERM: "in a container allow the device: --device /dev/fuse",
        }.get(error.errno or 0, "run as root, or let your user open the device")
        raise SetupError(f"{DEVICE}: {error.strerror}; {hint}", error.errno or 0) from None


def register_encoding() -> None:
    import codecs

    def encode(text: str, _errors: str = "strict") -> tuple[bytes, int]:
        return text.encode("utf-8", "surrogateescape"), len(text)

    def decode(data: "Buffer", _errors: str = "strict") -> tuple[str, int]:
        plain = bytes(data)
        return plain.decode("utf-8", "surrogateescape"), len(plain)

    def find(name: str) -> codecs.CodecInfo | None:
        # Since Python 3.9 names are normalised before they are looked up.
        return codecs.CodecInfo(encode, decode, name=ENCODING) if name == ENCODING.replace("-", "_") else None

    codecs.register(find)


def load_unwinder() -> None:
    """Load libgcc_s, which pthread_cancel(3) of the GNU C library needs, while it can be loaded.

    libfuse cancels its threads at the end of the session. Where no descriptor is left at that time, the C library
    aborts the process, and the mount stays.
    """
    try:
        ctypes.CDLL("libgcc_s.so.1")
    except OSError:
        return  # another C library, such as musl, does without


#: Status that fuse_main_real() of libfuse 3 returns where its loop ended with an error: 7 before 3.12, then 8.
LOOP_FAILED = (7, 8)


class Session:
    """One mount from begin to end."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self._fuse = binding.module
        self._pointer: int | None = None
        #: Set before the end: nobody waits any more.
        self.ending = False

    def context(self) -> tuple[int, int, int]:
        """(uid, gid, tid) of the request that this thread answers."""
        uid, gid, tid = self._fuse.fuse_get_context()
        return int(uid), int(gid), int(tid)

    def interrupted(self) -> bool:
        """Whether the caller of the request that this thread answers got a signal (FUSE_INTERRUPT) or the end came."""
        return self.ending or bool(self._fuse._libfuse.fuse_interrupted())

    def begun(self) -> None:
        """To be called while FUSE_INIT is answered: only then libfuse tells which session this is."""
        self._pointer = self._fuse._libfuse.fuse_get_context().contents.fuse
        if self.ending:
            self.end()

    def end(self) -> None:
        """Tell the session's loop to return. It notices when one of its threads does anything, or gets a signal."""
        self.ending = True
        if self._pointer is not None:
            self._fuse._libfuse.fuse_exit(ctypes.c_void_p(self._pointer))

    def serve(self, server: "Server", mountpoint: str, options: Mapping[str, str | bool]) -> None:
        """Mount and serve until the end. Raises SetupError if it does not get to serving."""
        load_unwinder()
        try:
            if self._binding.major == 2:
                register_encoding()
                self._fuse.FUSE(server, mountpoint, raw_fi=True, encoding=ENCODING, foreground=True, **options)
            else:
                from fakefs import libfuse3

                libfuse3.serve(self._fuse, server, mountpoint, options)
        except RuntimeError as error:
            if self._pointer is None:
                raise SetupError(
                    f"cannot mount at {mountpoint}: libfuse says why above; mounting needs root, a user namespace with "
                    f"a mount namespace (unshare -Urm), or fusermount (package fuse, fuse3)  [status {error}]",
                    errno.EPERM,
                ) from None
            # libfuse 3 takes the signal that ended its loop for an error (exit_handler(), lib/fuse_signals.c). It has
            # printed any other one. With threads of ours, it never sees a signal.
            if not (self._binding.major == 3 and options.get("nothreads") and error.args[0] in LOOP_FAILED):
                raise
