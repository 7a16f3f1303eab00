"""containerd without docker: its own client, ctr, the shim, and runc."""

from __future__ import annotations

from harness.runtimes import oci
from harness.runtimes.driver import Ask, Commands, GuestContainer, InstancePaths, NeededProgram
from harness.runtimes.drivers import _oci
from harness.runtimes.drivers._docker_like import SETNS

SUMMARY = "containerd with its own client: ctr, the shim, and runc"
NEEDS = (
    NeededProgram(("containerd",), "containerd"),
    NeededProgram(("ctr",), "containerd"),
    NeededProgram(("containerd-shim-runc-v2",), "containerd"),
    NeededProgram(("runc",), "runc"),
    _oci.INIT,
)
VERSIONS = (("containerd", ("--version",)), ("runc", ("--version",)))
_CONFIG = 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n'


def commands(paths: InstancePaths, container: GuestContainer) -> Commands:
    here, name = paths.folder, container.name
    instance = ("--address", f"{here}/sock")
    own = (paths.tools["ctr"], *instance)
    bundle, well, config = f"{here}/bundle.json", f"{here}/well.json", f"{here}/config.toml"
    ps = Ask("ps", (*own, "tasks", "ps", name))
    execute = Ask("exec", (*own, "tasks", "exec", "--exec-id", "fusezap", name, "true"), SETNS)
    return Commands(
        run=(*own, "run", "--detach", "--config", bundle, name),
        stays=False,
        kill=Ask("kill", (*own, "tasks", "kill", "--signal", "SIGKILL", name)),
        state=Ask("inspect", (*own, "tasks", "list"), rf"(?m)^{name}\s+\d+\s+(\w+)"),
        harmless=(ps, execute),
        stuck=(
            Ask("list", (*own, "containers", "list"), rf"(?m)^({name})"),
            ps,
            execute,
            Ask("stop", (*own, "tasks", "kill", name)),
            Ask("kill again", (*own, "tasks", "kill", "--signal", "SIGKILL", name)),
            Ask("delete", (*own, "tasks", "delete", name)),
            Ask("forced delete", (*own, "tasks", "delete", "--force", name)),
        ),
        blocked_exec=(*own, "tasks", "exec", "--exec-id", "blocked", "--cwd", _oci.NEVER, name, "true"),
        remove=Ask("delete", (*own, "tasks", "delete", name)),
        healthy=(*own, "run", "--rm", "--config", well, f"{name}-well"),
        daemon=(
            paths.tools["containerd"],
            *("--config", config),
            *("--root", f"{here}/root"),
            *("--state", f"{here}/state"),
            *instance,
        ),
        hello=(*own, "version"),
        files=(
            (bundle, oci.config(container)),
            (well, oci.config(container, ("/bin/true",))),
            (config, _CONFIG),
        ),
        exit_status=r"exit code (\d+)",
        instance=instance,
    )
