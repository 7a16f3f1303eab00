"""The initramfs: it loads the modules, mounts the root file system, and starts the session from there."""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness.errors import MachineError
from harness.kernels import compression
from harness.kernels.image import Image
from harness.vm import wire
from harness.vm.root import busybox as own_busybox

SHARE = "/run/fusezap-vm"
"""Mount point in the guest of the folder that it shares with the host."""
ROOT_TAG, SHARE_TAG = "fusezap-root", "fusezap-share"

FAULT = "fusezap-init: "
"""The prefix of the console line in which the first program says why it gave up."""
LEAST_KB = 120_000
"""MemTotal of a guest, in kB: with less, it reads the same pages of its programs again and again."""
_OPTIONS = {
    "9p": ("CONFIG_9P_FS", "CONFIG_NET_9P_VIRTIO, and CONFIG_VIRTIO_PCI or CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES"),
    "virtiofs": ("CONFIG_VIRTIO_FS", "CONFIG_VIRTIO_PCI"),
}
"""For each type of root: the module of the filesystem, and the module of its device."""
_INIT = """\
#!/bin/busybox sh
busybox=/bin/busybox
{load}
$busybox mount -t {root_type} -o {root_options} {root_tag} /root || {{
    $busybox mount -t proc proc /proc
    why='finds no device for it ({device_options})'
    $busybox grep -qw {root_type} /proc/filesystems || why='has no {root_type} ({type_options})'
    echo "{fault}this kernel cannot mount the root of the host: it $why"
    $busybox reboot -f
}}
{keep}
$busybox mount -t proc proc /root/proc
read name kilobytes unit </root/proc/meminfo
[ "$kilobytes" -ge {least} ] || {{
    echo "{fault}the machine has $kilobytes kB of memory, and a run takes {least}: see --memory, and mem= of --append"
    $busybox reboot -f
}}
$busybox mount -t sysfs sysfs /root/sys
$busybox mount -t devtmpfs devtmpfs /root/dev
$busybox mount -t tmpfs run /root/run
$busybox mount -t tmpfs tmp /root/tmp
$busybox mount -t tmpfs tmp /root/var/tmp
$busybox mkdir -p /root/dev/pts /root/dev/shm /root{share}
$busybox mount -t devpts devpts /root/dev/pts
$busybox mount -t tmpfs shm /root/dev/shm
$busybox mount -t {share_type} -o {share_options} {share_tag} /root{share}
: >/root{share}/{reached}
{put_back}
exec $busybox switch_root /root {busybox} sh {share}/start
"""


def script(
    modules: tuple[str, ...], root: tuple[str, str], share: tuple[str, str], hidden: tuple[Path, ...], busybox: Path
) -> str:
    """`root`, `share`: type and options of the mounts.  `hidden`: paths to be put back over the guest's own folders."""
    keep, put_back = "", ""
    if hidden:
        keep = "$busybox mkdir /host && $busybox mount --bind /root /host"
        lines = [
            f"$busybox mkdir -p '/root{each}' && $busybox mount --bind '/host{each}' '/root{each}'" for each in hidden
        ]
        put_back = "\n".join(lines)
    return _INIT.format(
        load="\n".join(f"$busybox insmod /modules/{name}" for name in modules),
        root_type=root[0],
        root_options=root[1],
        root_tag=ROOT_TAG,
        type_options=_OPTIONS[root[0]][0],
        device_options=_OPTIONS[root[0]][1],
        fault=FAULT,
        least=LEAST_KB,
        share_type=share[0],
        share_options=share[1],
        share_tag=SHARE_TAG,
        share=SHARE,
        reached=wire.REACHED_INIT,
        keep=keep,
        put_back=put_back,
        busybox=busybox,
    )


def module_files(image: Image, wanted: tuple[str, ...]) -> tuple[Path, ...]:
    """The module files to load, in modprobe's order; modules that are built in, or missing, have no file."""
    if image.modules is None:
        return ()
    root = image.modules.parents[2]
    argv = ["modprobe", "--dirname", str(root), "--set-version", image.release, "--show-depends", "--all", *wanted]
    try:
        shown = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError as error:
        raise MachineError("modprobe is not there", "install kmod") from error
    files = [line.split()[1] for line in shown.splitlines() if line.startswith("insmod ")]
    return tuple(Path(each) for each in dict.fromkeys(files))


def has(image: Image, name: str) -> bool:
    """True if the kernel has the module, or has it built in; also for a kernel whose modules are unknown."""
    return built_in(image, name) or bool(module_files(image, (name,)))


def built_in(image: Image, name: str) -> bool:
    """True if the kernel has the module built in; also for a kernel whose modules are unknown."""
    if image.modules is None:
        return True
    listed = image.modules / "modules.builtin"
    return listed.exists() and any(line.endswith(f"/{name}.ko") for line in listed.read_text().splitlines())


def plain_name(module: Path) -> str:
    """`fuse.ko` of `fuse.ko.zst`."""
    return module.name.partition(".ko")[0] + ".ko"


def plain(module: Path) -> bytes:
    """Unpacked: not every busybox and not every kernel takes a packed one."""
    if module.suffix == ".ko":
        return module.read_bytes()
    data = compression.decompressed(module.read_bytes())
    if data is None:
        raise MachineError(f"{module} cannot be unpacked", "install zstd, or lz4, whichever its name ends in")
    return data


def build(folder: Path, init: str, modules: tuple[Path, ...], busybox: Path) -> Path:
    """The archive, in `folder`.  `busybox`: the guest's."""
    tree = folder / "initramfs"
    for name in ("bin", "modules", "proc", "root"):
        (tree / name).mkdir(parents=True)
    (tree / "init").write_text(init)
    (tree / "init").chmod(0o755)
    names = [".", "bin", "modules", "proc", "root", "init", "bin/busybox"]
    (tree / "bin/busybox").write_bytes(busybox.read_bytes())
    (tree / "bin/busybox").chmod(0o755)
    for module in modules:
        (tree / "modules" / plain_name(module)).write_bytes(plain(module))
        names.append(f"modules/{plain_name(module)}")
    archive = folder / "initramfs.cpio"
    with archive.open("wb") as stream:
        argv = [str(own_busybox()), "cpio", "-o", "-H", "newc"]
        subprocess.run(
            argv, cwd=tree, input="\n".join(names).encode(), stdout=stream, stderr=subprocess.PIPE, check=True
        )
    return archive
