"""A root folder with a kernel, packed: by the tools that distributions take, and as `docker save` writes it."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

from tests.conftest import require


def deb(root: Path, name: str, more: str = "") -> Path:
    """A package of all below `root`, beside it.  `name`: as of a file; `more`: lines of its control file."""
    require("dpkg-deb")
    package, version, architecture = name.removesuffix(".deb").split("_")
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN/control").write_text(
        f"Package: {package}\nVersion: {version}\nArchitecture: {architecture}\n{more}"
        "Maintainer: nobody\nDescription: kernel\n"
    )
    path = root.parent / name
    subprocess.run(["dpkg-deb", "--build", "-Znone", str(root), str(path)], check=True, capture_output=True)
    return path


_SPEC = """\
Name: {name}
Version: 6.1.0
Release: 1
Summary: kernel
License: GPL
BuildArch: x86_64
AutoReqProv: no
%description
kernel
%install
cp -a {root}/. %{{buildroot}}
%files
{files}
"""


def built_rpm(tmp_path: Path, root: Path, name: str, *files: str) -> Path:
    """The paths of those files below `root`."""
    require("rpmbuild")
    settings = {
        "_topdir": f"{tmp_path}/rpm",
        "_rpmdir": str(tmp_path),
        "_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
        "_build_id_links": "none",
        "_unpackaged_files_terminate_build": "0",
    }
    spec = tmp_path / f"{name}.spec"
    spec.write_text(_SPEC.format(name=name, root=root, files="\n".join(files)))
    defined = [word for setting in settings.items() for word in ("--define", " ".join(setting))]
    subprocess.run(["rpmbuild", "-bb", "--quiet", *defined, str(spec)], check=True, capture_output=True)
    return tmp_path / f"{name}-6.1.0-1.x86_64.rpm"


def saved(path: Path, *layers: Path) -> str:
    """As `docker save` writes it; its spec."""
    require("skopeo", "umoci")
    with tarfile.open(path, "w") as archive:
        names, digests = [], []
        for number, layer in enumerate(layers):
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as inner:
                inner.add(layer, arcname=".")
            names.append(f"{number}/layer.tar")
            digests.append(f"sha256:{hashlib.sha256(packed.getvalue()).hexdigest()}")
            _add(archive, names[-1], packed.getvalue())
        rootfs = {"type": "layers", "diff_ids": digests}
        _add(archive, "config.json", json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs}).encode())
        manifest = [{"Config": "config.json", "RepoTags": ["kernel:latest"], "Layers": names}]
        _add(archive, "manifest.json", json.dumps(manifest).encode())
    return f"docker-archive:{path}"


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))
