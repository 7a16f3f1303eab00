"""The command line of an OCI runtime, which runc and crun share."""

from __future__ import annotations

from harness.runtimes import oci
from harness.runtimes.driver import Argv, Ask, Commands, GuestContainer, InstancePaths, NeededProgram
from harness.runtimes.drivers._docker_like import SERVER, SETNS
from harness.runtimes.rootfs import MOUNT_POINT

INIT = NeededProgram(("tini", "docker-init", "catatonit"), "tini")
STATUS = r'"status": "(\w+)"'
NEVER = f"{MOUNT_POINT}/never"
"""A folder of the mount whose LOOKUP is never answered."""


def commands(paths: InstancePaths, container: GuestContainer, program: str, listing: Argv, ps: Argv) -> Commands:
    """`ps`: how the runtime is asked for the processes of the container."""
    instance = ("--root", f"{paths.folder}/root")
    own = (paths.tools[program], *instance)
    bundle, well, name = f"{paths.folder}/bundle", f"{paths.folder}/well", container.name
    state = Ask("inspect", (*own, "state", name), STATUS)
    ask_ps = Ask("ps", (*own, *ps), SERVER)
    ask_exec = Ask("exec", (*own, "exec", name, "true"), SETNS)
    return Commands(
        run=(*own, "run", "--bundle", bundle, name),
        stays=True,
        kill=Ask("kill", (*own, "kill", name, "KILL")),
        state=state,
        harmless=(ask_ps, ask_exec),
        stuck=(
            Ask("list", (*own, *listing), rf"(?m)^{name}\s+\S+\s+(\S+)"),
            ask_ps,
            ask_exec,
            Ask("stop", (*own, "kill", name, "TERM")),
            Ask("kill again", (*own, "kill", name, "KILL")),
            Ask("delete", (*own, "delete", name)),
            Ask("forced delete", (*own, "delete", "--force", name)),
        ),
        blocked_exec=(*own, "exec", "--cwd", NEVER, name, "true"),
        remove=Ask("delete", (*own, "delete", name)),
        healthy=(*own, "run", "--bundle", well, f"{name}-well"),
        files=(
            (f"{bundle}/config.json", oci.config(container)),
            (f"{well}/config.json", oci.config(container, ("/bin/true",))),
        ),
        instance=instance,
    )
