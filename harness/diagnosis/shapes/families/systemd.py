"""systemd's machines: nspawn, and what registers with machined."""

from __future__ import annotations

from harness.diagnosis.shapes.shape import UNIT, PathShape

ORDER = 80
_MACHINED = "systemd: src/machine/machine.c, machine_start_scope(): machine-NAME.scope, the name escaped"
_PAYLOAD = "systemd: src/nspawn/nspawn-cgroup.c, create_subcgroup(): `payload` and `supervisor`"

GROUPS = (
    PathShape(
        "rkt",
        r"machine-rkt\\x2d(?P<id>[0-9a-f]{8}(?:\\x2d[0-9a-f]{4}){3}\\x2d[0-9a-f]{12})\.scope",
        "rkt/rkt: common/cgroup/cgroup.go and Documentation/using-rkt-with-systemd.md",
        r"/machine.slice/machine-rkt\x2df28d074b\x2da8bb\x2d4246\x2d96a5\x2db961e1fe7035.scope/system.slice/app.service",
        "f28d074b-a8bb-4246-96a5-b961e1fe7035",
        escaped=True,
    ),
    PathShape(
        "libvirt-qemu",
        rf"machine-qemu\\x2d[0-9]+\\x2d{UNIT}\.scope",
        "libvirt: docs/cgroups.rst, machine-qemu\\x2dID\\x2dNAME.scope",
        r"/machine.slice/machine-qemu\x2d1\x2dvm.scope/libvirt/emulator",
        "vm",
        escaped=True,
        note="a virtual machine",
    ),
    PathShape(
        "systemd-nspawn",
        rf"machine-{UNIT}\.scope",
        _MACHINED,
        r"/machine.slice/machine-web\x2d1.scope/payload/init.scope",
        "web-1",
        escaped=True,
    ),
    PathShape(
        "systemd-nspawn",
        rf"systemd-nspawn@{UNIT}\.service",
        f"systemd: units/systemd-nspawn@.service.in, Slice=machine.slice; {_PAYLOAD}",
        "/machine.slice/systemd-nspawn@web1.service/payload/init.scope",
        "web1",
        escaped=True,
    ),
    PathShape(
        "systemd-nspawn",
        rf"systemd-nspawn@{UNIT}\.service",
        f"systemd: src/basic/unit-name.c, unit_name_escape() of the instance; {_PAYLOAD}",
        r"/machine.slice/systemd-nspawn@db\x2dnew.service/supervisor",
        "db-new",
        escaped=True,
    ),
    PathShape(
        "systemd-nspawn",
        rf"machine\.slice/{UNIT}\.scope/(?:payload|supervisor)",
        f"systemd: src/nspawn/nspawn-register.c, allocate_scope(), with --register=no; {_PAYLOAD}",
        "/machine.slice/web.scope/payload",
        "web",
        escaped=True,
    ),
)
FOLDERS = (
    PathShape(
        "systemd-nspawn",
        "var/lib/machines/(?P<id>[A-Za-z0-9_][A-Za-z0-9_.-]*)",
        "systemd: docs, systemd-nspawn(1), /var/lib/machines/NAME",
        "/var/lib/machines/web",
        "web",
    ),
)
