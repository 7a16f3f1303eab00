"""Root file systems with a kernel in them that is small, and modules that depmod understands."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

from tests.unit.kernels.test_architectures import KERNEL, RELEASE, bzimage

IMAGE = bzimage(gzip.compress(KERNEL))


def root_with_kernel(root: Path, release: str = RELEASE) -> Path:
    """`virtiofs` needs `fuse`; nobody needs `e1000`."""
    (root / "boot").mkdir(parents=True, exist_ok=True)
    named = f"{release} (who@where) #1 SMP"
    (root / f"boot/vmlinuz-{release}").write_bytes(bzimage(gzip.compress(KERNEL), named))
    (root / f"boot/config-{release}").write_text("CONFIG_FUSE_FS=m\n")
    modules = root / "lib/modules" / release
    module(modules / "kernel/fs/fuse/fuse.ko", exports="fuse_request")
    module(modules / "kernel/fs/fuse/virtiofs.ko", needs="fuse_request")
    module(modules / "kernel/drivers/net/e1000.ko")
    (root / "usr/share/doc").mkdir(parents=True, exist_ok=True)
    (root / "usr/share/doc/much").write_text("text")
    return root


def module(path: Path, exports: str = "", needs: str = "") -> None:
    """An object file with what depmod reads of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = f'const char info[] __attribute__((section(".modinfo"))) = "name={path.stem}";\n'
    if exports:
        source += f'const char names[] __attribute__((section("__ksymtab_strings"))) = "{exports}";\n'
    if needs:
        source += f"extern int {needs}(void);\nint init(void) {{ return {needs}(); }}\n"
    argv = ["gcc", "-x", "c", "-c", "-o", str(path), "-"]
    subprocess.run(argv, input=source, text=True, check=True)


def kept(modules: Path | None) -> set[str]:
    assert modules is not None
    return {path.name for path in modules.rglob("*.ko")}
