"""The command line that docker and podman share."""

from __future__ import annotations

from harness.runtimes.driver import Argv, Ask, Commands, GuestContainer
from harness.runtimes.rootfs import MOUNT_POINT

IMAGE = "fusezap-sandbox"
ARCHIVE = "/run/sandbox/rootfs.tar"
NEVER = f"{MOUNT_POINT}/never"
"""A folder of the mount whose LOOKUP is never answered."""
SERVER = r"(\[?fakefs\]?(?: <defunct>)?)"
"""The server's line in a list of processes."""
SETNS = r"(error executing setns process[^\r\n\"]*)"
"""runc's message that no process can enter: fork() fails in a namespace whose init has exited."""
_STATE = "{{.State.Status}} {{.State.ExitCode}}"


def commands(own: Argv, container: GuestContainer, extra: Argv, daemon: Argv = (), hello: Argv = ()) -> Commands:
    """`extra`: options of `run` that only this one needs."""
    name = container.name
    common = ("--network", "none", "--cgroup-parent", container.cgroup, *extra)
    common += tuple(
        word
        for bind in container.binds
        for word in ("--volume", f"{bind.path}:{bind.path}:{'rw' if bind.writable else 'ro'}")
    )
    run = (*own, "run", "--detach", "--name", name, "--init", "--device", "/dev/fuse", "--cap-add", "SYS_ADMIN")
    run += ("--security-opt", "apparmor=unconfined", "--security-opt", "seccomp=unconfined", *common)
    run += tuple(word for key, value in container.env.items() for word in ("--env", f"{key}={value}"))
    top = Ask("top", (*own, "top", name), SERVER)
    listed = Ask("ps", (*own, "ps", "--all", "--filter", f"name={name}", "--format", "{{.Status}}"))
    execute = Ask("exec", (*own, "exec", name, "true"), SETNS)
    logs = Ask("logs", (*own, "logs", name))
    return Commands(
        run=(*run, IMAGE, *container.program),
        stays=False,
        kill=Ask("kill", (*own, "kill", name)),
        state=Ask("inspect", (*own, "inspect", "--format", _STATE, name)),
        harmless=(listed, top, execute, logs),
        stuck=(
            listed,
            top,
            execute,
            logs,
            Ask("events", (*own, "events", "--since", "1m", "--until", "0s", "--format", "{{.Status}}")),
            Ask("stop", (*own, "stop", "--time", "1", name)),
            Ask("kill again", (*own, "kill", name)),
            Ask("delete", (*own, "rm", name)),
            Ask("forced delete", (*own, "rm", "--force", name)),
        ),
        blocked_exec=(*own, "exec", "--workdir", NEVER, name, "true"),
        remove=Ask("delete", (*own, "rm", name)),
        healthy=(*own, "run", "--rm", *common, IMAGE, "/bin/true"),
        pending=(Ask("wait", (*own, "wait", name)),),
        daemon=daemon,
        hello=hello,
        prepare=((*own, "import", ARCHIVE, IMAGE),),
        exit_status=r"(?:exited|stopped|removing) (\d+)",
        instance=own[1:],
    )
