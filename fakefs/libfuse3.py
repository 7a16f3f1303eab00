"""libfuse 3 through mfusepy, with the behaviour of libfuse 2 through fusepy.

The kernel sends the same requests and the server sees the same operations on either library:

- mfusepy calls a method for each operation, where fusepy calls the operations object itself: `Operations`.
- libfuse 3 asks the kernel for capabilities that libfuse 2 never has, which changes the requests: `negotiate`.
- Options that libfuse 3 does not take any more have another place, or none: `translate`.
- mfusepy 3.1 drops arguments of truncate and rename, and hands over locks in another form: `fuse_class`.
"""

import ctypes
import errno
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any

from fakefs.calls import OPERATIONS
from fakefs.errors import SetupError

#: FUSE_CAP_ASYNC_READ, FUSE_CAP_POSIX_LOCKS and FUSE_CAP_EXPORT_SUPPORT (fuse_common.h).
ASYNC_READ, POSIX_LOCKS, EXPORT_SUPPORT = 1 << 0, 1 << 1, 1 << 4

#: The capabilities that libfuse 2 asks for as well. Of the others, FUSE_CAP_ATOMIC_O_TRUNC would turn the truncate of
#: an open(2) into a flag, FUSE_CAP_AUTO_INVAL_DATA would send a getattr for each read, and FUSE_CAP_READDIRPLUS and
#: FUSE_CAP_ASYNC_DIO would change which function of the kernel a caller waits in.
CAPABILITIES = ASYNC_READ | POSIX_LOCKS | EXPORT_SUPPORT

#: Longest write in bytes, as libfuse 2 has it with big_writes. libfuse 3 takes up to 1 MiB in one request.
MAX_WRITE = 128 * 1024

#: libfuse 3.12 and newer have at most 10 threads by default, so the eleventh held request would stop the server.
MAX_THREADS = 1 << 20

#: More threads than this that wait for a request are ended, as in libfuse 2 (fuse_do_work()).
MAX_IDLE_THREADS = 10

#: Options of libfuse 2 that libfuse 3 does not have, because it always behaves that way.
ALWAYS = frozenset({"nonempty", "big_writes", "async_read"})

#: Options of libfuse 2 that are fields of struct fuse_conn_info in libfuse 3.
CONNECTION = ("max_background", "congestion_threshold", "max_readahead", "max_write")

#: Options of libfuse 2 that are fields of struct fuse_config in libfuse 3. mfusepy sets the fields.
CONFIG_FLAGS = frozenset({"hard_remove", "use_ino", "readdir_ino", "direct_io", "intr"})

#: The inode number of an entry whose attributes are not known: FUSE_UNKNOWN_INO in libfuse's fuse.c.
UNKNOWN_INO = 0xFFFF_FFFF


@dataclass(slots=True)
class Settings:
    """Mount options, by the place where libfuse 3 takes them."""

    options: dict[str, str | bool | int] = field(default_factory=dict)
    connection: dict[str, int] = field(default_factory=dict)
    capabilities: int = CAPABILITIES


def translate(options: Mapping[str, str | bool], minor: int) -> Settings:
    """The options of libfuse 2 as libfuse 3.`minor` takes them.

    Args:
        options: Mount options by name; True is an option without a value.
        minor: Minor version of libfuse 3.

    Raises:
        SetupError: A value is not a number where libfuse needs one, or there is a value where it takes none.
    """
    found = Settings(connection={"max_write": MAX_WRITE})
    for key, value in options.items():
        if key in CONNECTION:
            found.connection[key] = number(key, value)
        elif key == "sync_read":
            found.capabilities &= ~ASYNC_READ
        elif key == "intr_signal":
            found.options[key] = number(key, value)
        elif key in CONFIG_FLAGS and value is not True:
            raise SetupError(f"-o {key}={value}: takes no value", errno.EINVAL)
        elif key not in ALWAYS:
            found.options[key] = value
    found.connection["max_write"] = min(found.connection["max_write"], MAX_WRITE)
    found.options.setdefault("max_idle_threads", str(MAX_IDLE_THREADS))
    if minor >= 12:
        found.options.setdefault("max_threads", str(MAX_THREADS))
    return found


def number(key: str, value: str | bool) -> int:
    """The value of a numeric option, which C takes as an unsigned int. Raises SetupError."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 9:
        return int(value)
    raise SetupError(f"-o {key}: needs a number, from 0 to 999999999", errno.EINVAL)


class Operations:
    """The operations of a server as methods."""

    #: An option of mfusepy: times are integers in nanoseconds.
    use_ns = True

    def __init__(self, call: Callable[..., Any], names: Iterable[str], settings: Settings) -> None:
        """
        Args:
            call: The server: takes the name of an operation and its arguments.
            names: The operations that the server has. mfusepy registers an operation with libfuse if there is an
                attribute of that name.
            settings: What to ask of the kernel.
        """
        self._call = call
        self._settings = settings
        for name in names:
            if name not in ("init", "readdir"):
                setattr(self, name, partial(call, name))

    def init_with_config(self, connection: Any, _config: Any) -> None:
        """The kernel's FUSE_INIT has come. Called by mfusepy in place of `init`."""
        negotiate(connection, self._settings)
        self._call("init", "/")

    def readdir(self, path: str | None, handle: int) -> list[tuple[str, dict[str, int], int]]:
        """List a directory, with an unknown inode for a name without attributes, as libfuse 2 does.

        mfusepy 3.1 would give such a name the attributes of the name before it.
        """
        unknown = {"st_ino": UNKNOWN_INO, "st_mode": 0}
        entries = self._call("readdir", path, handle)
        return [(entry, unknown, 0) if isinstance(entry, str) else entry for entry in entries]


def negotiate(connection: Any, settings: Settings) -> None:
    """Set what the reply to FUSE_INIT asks for, in a struct fuse_conn_info."""
    connection.want &= settings.capabilities
    for key, value in settings.connection.items():
        setattr(connection, key, value)


def fuse_class(module: ModuleType) -> Any:
    """A subclass of mfusepy.FUSE that passes on the arguments which mfusepy 3.1 drops."""
    base = module.FUSE

    def rename(self: Any, old: bytes, new: bytes, flags: int) -> int:
        # libfuse 2 does not know FUSE_RENAME2, so the kernel answers EINVAL to renameat2(2) with flags
        # (fuse_rename2(), fs/fuse/dir.c). Without the flags, RENAME_NOREPLACE would replace.
        return -errno.EINVAL if flags else int(base.rename_fuse_3(self, old, new, flags) or 0)

    def lock(self: Any, path: bytes | None, info: Any, command: int, pointer: Any) -> Any:
        return base.lock(self, path, info, command, ctypes.addressof(pointer.contents))

    # ftruncate passes the open file on, which truncate_fuse_3 does not: a file without a name could not be truncated.
    return type("Fuse", (base,), {"rename_fuse_3": rename, "lock": lock, "truncate_fuse_3": base.ftruncate})


def serve(module: ModuleType, server: Any, mountpoint: str, options: Mapping[str, str | bool]) -> None:
    """Mount and serve until the end.

    Args:
        module: mfusepy.
        server: The operations object as fusepy takes it.
        mountpoint: Absolute path.
        options: Mount options as libfuse 2 takes them.

    Raises:
        SetupError: An option has a wrong value.
        RuntimeError: libfuse returned this status.
    """
    settings = translate(options, module.fuse_version_minor)
    names = [name for name in OPERATIONS if getattr(server, name, None) is not None]
    operations = Operations(server, names, settings)
    fuse_class(module)(operations, mountpoint, raw_fi=True, foreground=True, **settings.options)
