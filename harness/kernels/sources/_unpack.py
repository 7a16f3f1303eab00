"""Unpacks a package's tar or cpio stream: a package is a stranger's, and is unpacked by root.

Plain files, folders and links come out; a device node, a FIFO, a name or a link that leads out of the folder, and sizes
beyond the limits refuse the whole package, by the member's name.  No link is ever written through.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from harness.errors import MachineError, UsageError
from harness.model.printable import visible
from harness.record import record

FILE_BYTES = 1 << 30
BYTES = 6 << 30
MEMBERS = 300_000
LINK_BYTES = 4096
_CHUNK = 1 << 20
_BLOCK = 4  # of the cpio format "newc", as rpm has it


@record(frozen=True, slots=True)
class Member:
    """One name in an archive."""

    name: str
    mode: int
    """Type and permissions, as st_mode."""
    size: int
    """Bytes of content."""
    target: str = ""
    """The target of a symbolic link as it is written; for a hard link, the name of the other member."""
    hard: bool = False
    content: IO[bytes] | None = None


def unpack_tar(stream: IO[bytes], folder: Path, package: str) -> None:
    """Unpack a tar archive, as the programs that read packages write it: without compression.

    Args:
        stream: the archive; it need not be seekable.
        folder: where to; empty, or filled by another package of the same kernel.
        package: its name, for messages.

    Raises:
        UsageError: the archive is broken, or a member is refused.
    """
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            _unpack(_of_tar(archive), folder, package)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise UsageError(f"{package} cannot be unpacked: {visible(str(error))}", "is it whole?") from error


def unpack_cpio(stream: IO[bytes], folder: Path, package: str) -> None:
    """Unpack a cpio archive in the format "newc", as rpm2cpio writes it; else as `unpack_tar`."""
    try:
        _unpack(_of_cpio(stream), folder, package)
    except (EOFError, ValueError) as error:
        raise UsageError(f"{package} cannot be unpacked: {visible(str(error))}", "is it whole?") from error


def _of_tar(archive: tarfile.TarFile) -> Iterator[Member]:
    kinds = {tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK, tarfile.LNKTYPE: stat.S_IFREG}
    kinds |= {tarfile.REGTYPE: stat.S_IFREG, tarfile.AREGTYPE: stat.S_IFREG, tarfile.CONTTYPE: stat.S_IFREG}
    kinds |= {tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK, tarfile.FIFOTYPE: stat.S_IFIFO}
    for each in archive:
        content = archive.extractfile(each) if each.isreg() else None
        kind = kinds.get(each.type, 0)
        yield Member(each.name, kind | (each.mode & 0o7777), each.size, each.linkname, each.islnk(), content)


def _of_cpio(stream: IO[bytes]) -> Iterator[Member]:
    """include/linux/initrd.h's format: a header of 110 characters, the name, the content, each padded to four bytes."""
    while True:
        header = _exactly(stream, 110)
        if header[:6] not in (b"070701", b"070702"):
            raise ValueError("it is no cpio archive of the format newc")
        fields = [int(header[at : at + 8], 16) for at in range(6, 110, 8)]
        mode, size, length = fields[1], fields[6], fields[11]
        if not 1 < length <= LINK_BYTES:
            raise ValueError(f"a name has {length} bytes")
        name = os.fsdecode(_exactly(stream, length)[:-1])
        _exactly(stream, -(110 + length) % _BLOCK)
        if name == "TRAILER!!!":
            return
        if stat.S_ISLNK(mode):
            if size > LINK_BYTES:
                raise ValueError(f"the target of the link {name} has {size} bytes")
            yield Member(name, mode, size, os.fsdecode(_exactly(stream, size)))
        else:
            content = _Part(stream, size)
            yield Member(name, mode, size, content=content)  # type: ignore[arg-type]
            content.skip()
        _exactly(stream, -size % _BLOCK)


class _Part:
    """So many bytes of a stream."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, most: int) -> bytes:
        data = _exactly(self._stream, min(most, self._left))
        self._left -= len(data)
        return data

    def skip(self) -> None:
        while self._left:
            self.read(_CHUNK)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = stream.read(size - len(data))
        if not chunk:
            raise EOFError("the archive ends in the middle")
        data += chunk
    return data


def _unpack(members: Iterator[Member], folder: Path, package: str) -> None:
    total = 0
    for number, member in enumerate(members, 1):
        path = _inside(member.name)
        why = _refusal(member, path, number, total + member.size)
        if why:
            raise UsageError(f"{package}: its member {visible(member.name)[:200]} {why}", "it is not unpacked")
        total += member.size
        if path:
            _make(member, path, folder, package)


def _inside(name: str) -> str | None:
    """The name below the folder, `` for the folder itself; None where it leads out."""
    path = posixpath.normpath("/" + name.lstrip("/"))[1:]
    return None if ".." in name.split("/") or "\0" in name else path


def _refusal(member: Member, path: str | None, number: int, total: int) -> str:
    kind = stat.S_IFMT(member.mode)
    if kind not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        return "is a device node, a FIFO or something else that is no file"
    if path is None:
        return "leads out of the package"
    if number > MEMBERS:
        return f"is one of more than {MEMBERS}"
    if member.size > FILE_BYTES or total > BYTES:
        return f"has {member.size} bytes, which are too many"
    if kind == stat.S_IFLNK and _link(member.target, path) is None:
        return f"is a link that leads out of the package, to {visible(member.target)[:200]}"
    if member.hard and not _inside(member.target):
        return "is a hard link that leads out of the package"
    return ""


def _link(target: str, path: str) -> str | None:
    """The target of a symbolic link, relative: an absolute one means the package's own root.  None: it leads out."""
    if not target or len(target) > LINK_BYTES or "\0" in target:
        return None
    above = posixpath.dirname(path)
    if target.startswith("/"):
        whole = _inside(target)
        return None if whole is None else posixpath.relpath(f"/{whole}", f"/{above}")
    joined = posixpath.normpath(posixpath.join(above, target))
    return None if joined == ".." or joined.startswith("../") else target


def _make(member: Member, path: str, folder: Path, package: str) -> None:
    """Opens the folder by descriptors, none of which is reached by a link."""
    above, name = posixpath.split(path)
    parent = _folder(folder, above, member.name, package)
    try:
        kind = stat.S_IFMT(member.mode)
        if kind == stat.S_IFDIR:
            os.close(_step(parent, name, member.name, package))
            return
        try:
            os.unlink(name, dir_fd=parent)  # of two members of one name, or of two packages, the last one counts
        except FileNotFoundError:
            pass
        except (IsADirectoryError, PermissionError):
            raise UsageError(f"{package}: its member {visible(member.name)[:200]} is a folder, too") from None
        if kind == stat.S_IFLNK:
            os.symlink(str(_link(member.target, path)), name, dir_fd=parent)
        elif member.hard:
            _copy_of(member, parent, name, folder, package)
        else:
            _write(member.content, parent, name, member.mode)
    finally:
        os.close(parent)


def _write(content: IO[bytes] | None, parent: int, name: str, mode: int) -> None:
    """Without setuid, setgid and sticky bits, and with nobody's write permission but ours."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(name, flags, 0o600, dir_fd=parent), "wb") as stream:
        while content is not None and (data := content.read(_CHUNK)):
            stream.write(data)
        os.fchmod(stream.fileno(), mode & 0o755 | 0o600)


def _copy_of(member: Member, parent: int, name: str, folder: Path, package: str) -> None:
    """A hard link as one: its other name must be a plain file that came before."""
    above, other = posixpath.split(_inside(member.target) or "")
    beside = _folder(folder, above, member.name, package)
    try:
        if not stat.S_ISREG(os.stat(other, dir_fd=beside, follow_symlinks=False).st_mode):
            raise UsageError(f"{package}: its member {visible(member.name)[:200]} is a hard link to no file")
        os.link(other, name, src_dir_fd=beside, dst_dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        raise UsageError(f"{package}: its member {visible(member.name)[:200]} is a hard link to nothing") from None
    finally:
        os.close(beside)


def _folder(folder: Path, path: str, member: str, package: str) -> int:
    """A descriptor of the folder of that path, made where it is not there."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in path.split("/") if path else ():
        below = -1
        try:
            below = _step(here, name, member, package)
        finally:
            os.close(here)
        here = below
    return here


def _step(parent: int, name: str, member: str, package: str) -> int:
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=parent)
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    except OSError:
        raise UsageError(f"{package}: its member {visible(member)[:200]} lies below what is no folder") from None


def unpack_output(
    argv: list[str], unpack: Callable[[IO[bytes], Path, str], None], folder: Path, package: str, hint: str
) -> None:
    """Unpack the archive that a program writes to its standard output.

    Args:
        argv: the program, which reads the package and runs nothing of it.
        unpack: `unpack_tar` or `unpack_cpio`.
        folder: where to.
        package: its name, for messages.
        hint: what to install where the program is missing.

    Raises:
        MachineError: the program is missing.
        UsageError: the package is broken, or a member of it is refused.
    """
    with tempfile.TemporaryFile() as errors:
        try:
            program = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
        except FileNotFoundError as error:
            raise MachineError(f"{argv[0]} is missing", hint) from error
        with program:
            assert program.stdout is not None
            try:
                unpack(program.stdout, folder, package)
                while program.stdout.read(_CHUNK):
                    continue  # padding behind the archive's end
            except UsageError as refused:
                program.kill()
                if "its member" in str(refused):
                    raise
                raise UsageError(f"{package} cannot be unpacked", _last_words(errors) or str(refused)) from refused
            except BaseException:
                program.kill()
                raise
        if program.returncode:
            raise UsageError(f"{package} cannot be unpacked", _last_words(errors) or "is it whole?")


def _last_words(errors: IO[bytes]) -> str:
    errors.seek(0)
    return visible(errors.read(1 << 16).decode(errors="replace").strip()[-300:])


def excess(folder: Path) -> str:
    """Look whether a folder has more than a package may hold, while another program fills it.

    Returns:
        What is too much, in words; empty where it is not.
    """
    total = number = 0
    for above, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(above, name)).st_size
            number += 1
            if total > BYTES:
                return f"unpacks to more than {BYTES >> 30} GiB"
            if number > MEMBERS:
                return f"has more than {MEMBERS} files"
    return ""


def vet(root: Path, package: str) -> None:
    """Look over what another program has unpacked: refuse what is no file, folder or link; drop setuid and the like.

    Args:
        root: the folder; no link in it is followed.
        package: its name, for messages.

    Raises:
        UsageError: with the name of what is refused.
    """
    total = number = 0
    for above, folders, files in os.walk(root):  # follows no links
        for name in (*folders, *files):
            path = Path(above, name)
            found = path.lstat()
            number, total = number + 1, total + found.st_size
            member = Member(
                path.relative_to(root).as_posix(), found.st_mode, found.st_size, "." if path.is_symlink() else ""
            )
            why = _refusal(member, member.name, number, total)
            if why:
                raise UsageError(f"{package}: its member {visible(member.name)[:200]} {why}", "it is not unpacked")
            if found.st_mode & 0o7000 and not path.is_symlink():
                path.chmod(found.st_mode & 0o777)
