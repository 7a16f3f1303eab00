"""LXC, and what builds on it: Proxmox, incus, LXD; and libvirt's LXC driver."""

from __future__ import annotations

from harness.diagnosis.shapes.shape import NAME, UNIT, PathShape

ORDER = 70
_PAYLOAD = 'lxc/lxc: src/lxc/cgroups/cgroup.h, DEFAULT_PAYLOAD_CGROUP_PREFIX "lxc.payload."'
_SUFFIX = "lxc/lxc: src/lxc/cgroups/cgfsng.c, cgfsng_payload_create(): NAME-1 to NAME-999"
_AGAIN = "LXC appends -1, -2, … where a group of that name is left over"
_PROXMOX = "proxmox/pve-container: src/PVE/LXC.pm, lxc.cgroup.dir.container = lxc/VMID, container.inner = ns"
_PROJECT = "lxc/incus: internal/server/project/project.go, Instance(): PROJECT_NAME"
_LIBVIRT = "libvirt: docs/cgroups.rst, machine-lxc\\x2dPID\\x2dNAME.scope"
_POOL = "lxc/incus: internal/server/storage/drivers/utils.go, GetVolumeMountPath(): POOL/containers/[PROJECT_]NAME"

GROUPS = (
    PathShape(
        "lxc",
        r"lxc\.payload\.(?P<id>[A-Za-z0-9][A-Za-z0-9-]*-[1-9][0-9]{0,2})",
        _SUFFIX,
        "/lxc.payload.web-1",
        "web-1",
        note=_AGAIN,
    ),
    PathShape(
        "lxc or incus",
        r"lxc\.payload\.(?P<id>[A-Za-z0-9-]+_[A-Za-z0-9-]+)",
        f"{_PAYLOAD}; {_PROJECT}",
        "/lxc.payload.shop_web/init.scope",
        "shop_web",
        note="incus and LXD write PROJECT_NAME",
    ),
    PathShape("lxc", rf"lxc\.payload\.{NAME}", _PAYLOAD, "/lxc.payload.web/system.slice/cron.service", "web"),
    PathShape(
        "lxc", rf"lxc\.payload/{NAME}", "lxc/lxc 3.1 and 3.2: src/lxc/cgroups/cgfsng.c", "/lxc.payload/web", "web"
    ),
    PathShape(
        "lxc",
        rf"lxc\.monitor\.{NAME}",
        'lxc/lxc: src/lxc/cgroups/cgroup.h, DEFAULT_MONITOR_CGROUP_PREFIX "lxc.monitor."',
        "/lxc.monitor.web",
        "web",
        note="the group of the container's monitor",
    ),
    PathShape(
        "lxc (proxmox)",
        "lxc/(?P<id>[0-9]+)/ns",
        _PROXMOX,
        "/lxc/101/ns/system.slice/ssh.service",
        "101",
    ),
    PathShape(
        "lxc (proxmox)",
        r"lxc\.monitor/(?P<id>[0-9]+)",
        f"{_PROXMOX}, lxc.cgroup.dir.monitor = lxc.monitor/VMID",
        "/lxc.monitor/101",
        "101",
        note="the group of the container's monitor",
    ),
    PathShape(
        "lxc", f"lxc/{NAME}", "lxc/lxc before 4.0: DEFAULT_CGROUP_PATTERN `/lxc/%n`", "/lxc/web/init.scope", "web"
    ),
    PathShape(
        "libvirt-lxc",
        rf"machine-lxc\\x2d[0-9]+\\x2d{UNIT}\.scope",
        _LIBVIRT,
        r"/machine.slice/machine-lxc\x2d12345\x2ddemo\x2d1.scope/libvirt",
        "demo-1",
        escaped=True,
    ),
    PathShape(
        "libvirt-lxc",
        rf"machine/{NAME}\.libvirt-lxc",
        "libvirt: docs/cgroups.rst, hosts without systemd",
        "/machine/demo.libvirt-lxc",
        "demo",
    ),
)
FOLDERS = (
    PathShape(
        "incus or lxd",
        f"storage-pools/[^/]+/containers/{NAME}(?:/rootfs(?:/.*)?)?",
        _POOL,
        "/var/lib/incus/storage-pools/default/containers/shop_web/rootfs",
        "shop_web",
    ),
    PathShape(
        "incus or lxd",
        f"^/containers/{NAME}/rootfs(?:/.*)?",
        f"{_POOL}, of a pool that is a filesystem of its own",
        "/containers/web/rootfs",
        "web",
    ),
    PathShape(
        "lxc",
        f"lxc/{NAME}/rootfs(?:/.*)?",
        "lxc/lxc: doc/lxc.container.conf.sgml.in, lxc.rootfs.path: LXCPATH/NAME/rootfs",
        "/var/lib/lxc/web/rootfs",
        "web",
    ),
)
