"""The mount: checks of the machine, mount options, and the session from its start to its end."""

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

#: The codec for names: UTF-8 with surrogate escapes, as Python itself has for files, so that every name can be decoded.
ENCODING = "fakefs-names"

DEFAULTS: dict[str, str | bool] = {
    "subtype": "fakefs",
    # Use the inode numbers of the tree, so that cp -a and tar recognise hard links.
    "use_ino": True,
    # The server does not see accesses that the kernel answers from its caches, so no rule could fire for them. Besides,
    # libfuse's high-level interface has one inode for each path, so cached attributes of hard links would differ.
    "attr_timeout": "0",
    "entry_timeout": "0",
    # Held requests of readahead and writeback are background requests. Above this number of them, the kernel queues all
    # others (fuse_request_queue_background(), fs/fuse/dev.c).
    "max_background": "4096",
    "congestion_threshold": "4096",
    "big_writes": True,
}


def parse_option(text: str) -> tuple[str, str | bool]:
    """The key and the value of one mount option, 'KEY' or 'KEY=VALUE'. Raises ValueError.

    Returns:
        The key, and the value or True.
    """
    key, equals, value = text.partition("=")
    if not key or "," in text:
        raise ValueError(f"{text!r} is not KEY or KEY=VALUE; give -o once for each option")
    return key, value if equals else True


def mount_options(fsname: str, chosen: Mapping[str, str | bool]) -> dict[str, str | bool]:
    """The default mount options, replaced by those of the user.

    libfuse splits options at commas, so commas in the name are escaped.
    """
    return {**DEFAULTS, **chosen, "fsname": fsname.replace("\\", "\\\\").replace(",", "\\,")}


def check_mountpoint(path: str, chosen: Mapping[str, str | bool]) -> None:
    """Check that the folder can be mounted on. Call it before the mount only: stat(2) of a mounted folder could hang.

    Raises:
        SetupError: The folder does not exist, is not a directory, or has files in it.
    """
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
        raise SetupError(f"mountpoint {path}: is not a directory; choose an empty directory", errno.ENOTDIR)
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
    """One mount from its start to its end."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self._fuse = binding.module
        self._pointer: int | None = None
        #: Set at the end of the session: waits for locks stop.
        self.ending = False

    def context(self) -> tuple[int, int, int]:
        """The caller's user id, group id and thread id for the request that this thread answers; tid 0 is no caller."""
        uid, gid, tid = self._fuse.fuse_get_context()
        return int(uid), int(gid), int(tid)

    def interrupted(self) -> bool:
        """Return True where the session ends, or the caller of this thread's request got a signal (FUSE_INTERRUPT)."""
        return self.ending or bool(self._fuse._libfuse.fuse_interrupted())

    def begun(self) -> None:
        """Remember libfuse's handle of the session. Call it during FUSE_INIT: libfuse has a handle from then on."""
        self._pointer = self._fuse._libfuse.fuse_get_context().contents.fuse
        if self.ending:
            self.end()

    def end(self) -> None:
        """Make the session's loop return. The loop notices it when one of its threads gets a request or a signal."""
        self.ending = True
        if self._pointer is not None:
            self._fuse._libfuse.fuse_exit(ctypes.c_void_p(self._pointer))

    def serve(self, server: "Server", mountpoint: str, options: Mapping[str, str | bool]) -> None:
        """Mount the filesystem and serve it until the end.

        Args:
            server: The operations object.
            mountpoint: Absolute path of the folder.
            options: Mount options as libfuse 2 takes them.

        Raises:
            SetupError: The mount failed.
        """
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
            # libfuse 3 reports the signal that ended its loop as an error (exit_handler(), lib/fuse_signals.c), and
            # prints every other error. With more than one thread, it receives no signal (Run.serve).
            if not (self._binding.major == 3 and options.get("nothreads") and error.args[0] in LOOP_FAILED):
                raise
