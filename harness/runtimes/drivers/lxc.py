"""LXC by its own commands, without incus or Proxmox: a monitor for each container, and no daemon."""

from __future__ import annotations

import shlex

from harness.runtimes.driver import Argv, Ask, Commands, GuestContainer, InstancePaths, NeededProgram
from harness.runtimes.drivers import _oci
from harness.runtimes.drivers._docker_like import SERVER

SUMMARY = "LXC: no daemon, a monitor beside each container that is its init's parent"
_PROGRAMS = ("lxc-start", "lxc-stop", "lxc-info", "lxc-attach", "lxc-destroy", "lxc-ls", "lxc-execute")
NEEDS = (
    *(NeededProgram((name,), "lxc") for name in _PROGRAMS),
    _oci.INIT,
    NeededProgram(("ps",), "procps"),
)
VERSIONS = (("lxc-start", ("--version",)),)
_REFUSED = r"lxc-attach: (?:\S+: )?[^\n]*?((?:Failed|No such)[^\n]*)"


def config(container: GuestContainer, name: str, program: Argv) -> str:
    """A container's configuration; see lxc.container.conf(5)."""
    entries = [
        f"{bind.path} {bind.path.lstrip('/')} none rbind,{'rw' if bind.writable else 'ro'} 0 0"
        for bind in container.binds
    ]
    lines = [
        f"lxc.uts.name = {name}",
        f"lxc.rootfs.path = dir:{container.rootfs}",
        "lxc.rootfs.managed = 0",
        f"lxc.init.cmd = {shlex.join(program)}",
        f"lxc.cgroup.dir = {container.cgroup.lstrip('/')}/{name}",
        "lxc.apparmor.profile = unconfined",
        "lxc.net.0.type = empty",
        "lxc.mount.auto = proc:rw",
        "lxc.mount.entry = /dev/fuse dev/fuse none bind,create=file 0 0",
        *(f"lxc.mount.entry = {entry}" for entry in entries),
        *(f"lxc.environment = {key}={value}" for key, value in container.env.items()),
    ]
    return "\n".join(lines) + "\n"


def commands(paths: InstancePaths, container: GuestContainer) -> Commands:
    folder, name = f"{paths.folder}/lxc", container.name
    instance = ("-P", folder)
    well = f"{name}-well"

    def own(program: str, *words: str, of: str = name) -> Argv:
        return (paths.tools[program], *instance, "-n", of, *words)

    ps = Ask("ps", own("lxc-attach", "--", "ps", "-e", "-o", "args"), SERVER)
    execute = Ask("exec", own("lxc-attach", "--", "true"), _REFUSED)
    return Commands(
        run=own("lxc-start", "-d"),
        stays=False,
        kill=Ask("kill", own("lxc-stop", "-k")),
        state=Ask("inspect", own("lxc-info", "-s"), r"State:\s+(\w+)"),
        harmless=(ps, execute),
        stuck=(
            Ask("list", (paths.tools["lxc-ls"], *instance, "-f", "-F", "NAME,STATE"), rf"(?m)^{name}\s+(\w+)"),
            ps,
            execute,
            Ask("stop", own("lxc-stop", "-t", "1")),
            Ask("kill again", own("lxc-stop", "-k")),
            Ask("delete", own("lxc-destroy")),
            Ask("forced delete", own("lxc-destroy", "-f")),
        ),
        blocked_exec=own("lxc-attach", "--", "sh", "-c", f"cd {_oci.NEVER}"),
        remove=Ask("delete", own("lxc-destroy")),
        healthy=own("lxc-execute", "--", "/bin/true", of=well),
        files=(
            (f"{folder}/{name}/config", config(container, name, (container.init, "--", *container.program))),
            (f"{folder}/{well}/config", config(container, well, ("/bin/true",))),
        ),
        instance=instance,
    )
