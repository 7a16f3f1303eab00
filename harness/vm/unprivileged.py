"""The user that QEMU runs as where root starts it: one without a name and without rights, for each machine another.

A guest sees the root of this machine by QEMU's eyes, so it reads only what such a user may.  What a run needs and that
user cannot reach, because it lies in a folder that is closed to others such as /root, is shown to QEMU in a mount
namespace of its own, in the place of the whole closed folder.
"""

from __future__ import annotations

import importlib
import itertools
import os
import secrets
import shlex
import shutil
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path

from harness.errors import MachineError
from harness.kernels.image import Image
from harness.record import record, replace
from harness.vm import visible
from harness.vm.accelerator import KVM
from harness.vm.command import DIES_WITH_US, Command
from harness.vm.root import Root
from harness.vm.settings import ALWAYS, NEVER, Settings
from harness.vm.share import MONITOR

_RANGES = ((1_879_048_192, 2_147_352_575), (61_184, 65_519))
"""Numbers of users that nobody has: unassigned, and for services without an account of their own (systemd's UIDS-GIDS).
The second is for a user namespace with few numbers."""
_PROBE_S = 10.0
_READABLE = 'for each do test -r "$each" || { printf %s "$each"; exit 1; }; done'
_KVM = Path("/dev/kvm")


@record(frozen=True, slots=True)
class User:
    """A user without rights, and how QEMU becomes it."""

    uid: int
    groups: tuple[int, ...] = ()
    """Supplementary: that of /dev/kvm, where it takes one."""
    view: str = ""
    """Lines of a shell that make the mounts of QEMU's own namespace; empty: it needs none."""

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words before a command that runs as this user.

        The signal at the parent's death is set last: a change of user clears it (commit_creds(), kernel/cred.c).
        """
        groups = ("--groups", ",".join(map(str, self.groups))) if self.groups else ("--clear-groups",)
        become = (
            *("setpriv", "--reuid", str(self.uid), "--regid", str(self.uid), *groups),
            *("--inh-caps=-all", "--no-new-privs", "--pdeathsig", "KILL", "--"),
        )
        if not self.view:
            return become
        # A slave namespace: what is unmounted on this machine is not kept alive by ours.
        script = f'set -e\numask 022\n{self.view}\nexec "$@"'
        return (
            *DIES_WITH_US,
            *("unshare", "--mount", "--propagation", "slave", "--", "sh", "-c", script, "sh"),
            *become,
        )

    def starts(self, command: Command) -> Command:
        """The same machine, run by this user.  Pure."""
        assert command.argv[: len(DIES_WITH_US)] == DIES_WITH_US
        return replace(command, argv=(*self.prefix, *command.argv[len(DIES_WITH_US) :]))

    def readable(self, image: Image, share: Path) -> Image:
        """The kernel where this user can read it: a copy in `share` of one that is for root alone."""
        kernel = _started(image)
        if _open_to_all(kernel):
            return image
        copy = share / "kernel"
        shutil.copyfile(kernel, copy)
        return replace(image, kernel=copy, vmlinux=copy if image.vmlinux else None)

    def take(self, share: Path) -> None:
        """Become the owner of the folder that host and guest share, with all that is in it, and of the monitor's."""
        for path in (share.with_name(MONITOR), share, *share.rglob("*")):
            os.chown(path, self.uid, self.uid, follow_symlinks=False)


def user(settings: Settings, image: Image, root: Root, above: Path, accel: str, engine_can: bool) -> User | None:
    """Choose the user for a machine.

    Args:
        settings: Of the machine.
        image: The kernel.
        root: The guest's.
        above: The folder of this machine that holds the shared one; it is gone when the machine is.
        accel: KVM or TCG.
        engine_can: The engine's QEMU alone reads files for the guest.

    Returns:
        The user; None where QEMU keeps the rights of this process.

    Raises:
        MachineError: It was asked for, and is not possible.
    """
    if os.geteuid() != 0 or settings.unprivileged == NEVER:
        return None
    chosen, why = _possible(settings, image, root, above, accel, engine_can)
    if chosen is None and settings.unprivileged == ALWAYS:
        raise MachineError(f"QEMU cannot run as a user without rights here: {why}", "leave --unprivileged out")
    return chosen


def _possible(
    settings: Settings, image: Image, root: Root, above: Path, accel: str, engine_can: bool
) -> tuple[User | None, str]:
    """The user, or why there is none."""
    if not engine_can:
        return None, "the engine has other programs read files for the guest"
    uid = _number()
    if uid is None:
        return None, "this user namespace has no number to spare"
    kernel = _started(image)
    shown = [*(visible.needed(settings.shown) if root.here else (root.path,)), above]
    shown += [kernel.parent] if _open_to_all(kernel) else []
    groups, node = _kvm_access() if accel == KVM else ((), False)
    found = User(uid, groups, view(closed(shown), above / "view", node))
    files = [*_read_by_a_run(root), *((kernel,) if _open_to_all(kernel) else ()), *((_KVM,) if accel == KVM else ())]
    argv = (*found.prefix, "sh", "-c", _READABLE, "sh", *map(str, files))
    try:
        ended = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    if ended.returncode:
        return None, (ended.stdout + ended.stderr).decode(errors="replace").strip() + " cannot be read"
    return found, ""


def _started(image: Image) -> Path:
    """The file that QEMU loads."""
    kernel = image.vmlinux or image.kernel
    assert kernel is not None
    return kernel


def _open_to_all(file: Path) -> bool:
    """Checks its own mode; the folders that it lies in are another question."""
    return bool(file.stat().st_mode & stat.S_IROTH)


def _number() -> int | None:
    """A number that is in the maps of this user namespace, both of users and of groups."""
    maps = [Path(f"/proc/self/{kind}_map").read_text() for kind in ("uid", "gid")]
    for first, last in _RANGES:
        number = first + secrets.randbelow(last - first + 1)
        if all(_mapped(number, text) for text in maps):
            return number
    return None


def _mapped(number: int, text: str) -> bool:
    ranges = (tuple(map(int, line.split())) for line in text.splitlines())
    return any(first <= number < first + count for first, _, count in ranges)


def closed(paths: Iterable[Path]) -> dict[Path, list[Path]]:
    """Find the folders that a stranger cannot go through.

    Args:
        paths: Absolute folders that must be reached.

    Returns:
        By the first closed folder above each, those that lie in it.
    """
    found: dict[Path, list[Path]] = {}
    for path in paths:
        for above in reversed(path.parents):
            if not above.stat().st_mode & stat.S_IXOTH:
                found.setdefault(above, []).append(path)
                break
    return found


def view(closed: dict[Path, list[Path]], stash: Path, kvm: bool) -> str:
    """The lines of a shell that show `closed` in the place of what they lie in; empty where nothing is to be done.

    Args:
        closed: By a folder, what is needed of those in it.
        stash: A folder to be made, for the time of the mounts.
        kvm: /dev/kvm gets a node that everybody may open, which this namespace alone has.
    """
    if not closed and not kvm:
        return ""
    here = shlex.quote(str(stash))
    # What is kept is named from within, for its own path may be covered.
    lines = [f"mkdir -p {here}", f"mount -t tmpfs -o mode=755 fusezap {here}", f"cd {here}"]
    numbered = [(each, shlex.quote(str(path))) for each, path in enumerate(itertools.chain(*closed.values()))]
    lines += [f"mkdir {each} && mount --rbind {path} {each}" for each, path in numbered]
    lines += [f"mount -t tmpfs -o mode=755 fusezap {shlex.quote(str(above))}" for above in closed]
    lines += [f"mkdir -p {path} && mount --rbind {each} {path}" for each, path in numbered]
    if kvm:
        number = _KVM.stat().st_rdev
        lines.append(f"mknod -m 666 kvm c {os.major(number)} {os.minor(number)} && mount --bind kvm {_KVM}")
    return "\n".join((*lines, "cd /"))


def _kvm_access() -> tuple[tuple[int, ...], bool]:
    """The groups by which the device can be opened, and whether it takes a node of its own."""
    found = _KVM.stat()
    if found.st_mode & stat.S_IROTH and found.st_mode & stat.S_IWOTH:
        return (), False
    if found.st_mode & stat.S_IRGRP and found.st_mode & stat.S_IWGRP and found.st_gid != 0:
        return (found.st_gid,), False
    return (), True


def _read_by_a_run(root: Root) -> tuple[Path, ...]:
    """Some of the files: the programs, and one of the standard library, of the binding to libfuse and of ours."""
    there = [root.outside(root.python), root.outside(root.busybox)]
    if root.here:
        binding = importlib.import_module("fakefs.binding").load()
        there += [Path(os.__file__), Path(str(binding.module.__file__)), visible.CHECKOUT / "harness/__init__.py"]
    return tuple(there)
