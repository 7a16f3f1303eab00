"""The commands that a pod takes, with and without a shared PID namespace.

The network is the node's, so that no CNI plugin is needed, and the pause image is made here: nothing is fetched.
"""

from __future__ import annotations

import json
import sys

from harness.runtimes.driver import Argv, Ask, Commands, GuestContainer, InstancePaths, NeededProgram
from harness.runtimes.drivers import _oci
from harness.runtimes.drivers._docker_like import SERVER, SETNS

NEEDS = (
    NeededProgram(("containerd",), "containerd"),
    NeededProgram(("ctr",), "containerd"),
    NeededProgram(("containerd-shim-runc-v2",), "containerd"),
    NeededProgram(("runc",), "runc"),
    NeededProgram(("busybox",), "busybox-static"),
    NeededProgram(("ps",), "procps"),
    NeededProgram((), "python3-grpcio, or the extra `cri` of fusezap", "grpc"),
    NeededProgram((), "python3-protobuf, or the extra `cri` of fusezap", "google.protobuf"),
    _oci.INIT,
)
VERSIONS = (("containerd", ("--version",)), ("runc", ("--version",)))
IMAGE = "fusezap.invalid/pause:1"
"""Its registry does not exist: a runtime that asks for it fails at once."""
POD, CONTAINER, NODE = 0, 1, 2
"""Values of NamespaceMode."""
UID = "5f8d3b1c-0f4e-4d6a-9a3b-6c1d2e3f4a5b"
"""The pod's; below the run's own group, the control groups have the names that a kubelet gives them."""
_PYTHON = (sys.executable, "-P", "-m")
_ROOTFS = "/run/sandbox/rootfs.tar"


def configuration(folder: str) -> str:
    """containerd's, with all that it writes below the folder."""
    return f"""\
version = 2
root = "{folder}/root"
state = "{folder}/state"
[grpc]
  address = "{folder}/sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{folder}/cni"
    conf_dir = "{folder}/cni"
"""


def specification(container: GuestContainer, name: str, program: Argv, shared_pid: bool) -> str:
    """A pod and its container, in the words of runtime.v1."""
    namespaces = {"network": NODE, "pid": POD if shared_pid else CONTAINER, "ipc": POD}
    security = {"namespace_options": namespaces}
    pod = {
        "metadata": {"name": name, "uid": UID, "namespace": "default"},
        "linux": {
            "cgroup_parent": f"{container.cgroup}/kubepods/besteffort/pod{UID}",
            "security_context": security,
        },
    }
    mounts = [
        {"container_path": bind.path, "host_path": bind.path, "readonly": not bind.writable} for bind in container.binds
    ]
    runs = {
        "metadata": {"name": "server"},
        "image": {"image": IMAGE},
        "command": list(program),
        "envs": [{"key": key, "value": value} for key, value in container.env.items()],
        "mounts": mounts,
        "devices": [{"container_path": "/dev/fuse", "host_path": "/dev/fuse", "permissions": "rwm"}],
        "linux": {"security_context": {"capabilities": {"add_capabilities": ["SYS_ADMIN"]}, **security}},
    }
    return json.dumps({"pod": pod, "container": runs}, indent=2)


def commands(paths: InstancePaths, container: GuestContainer, shared_pid: bool) -> Commands:
    """`shared_pid`: the pod's processes share one PID namespace, whose init is the sandbox's."""
    here, name = paths.folder, container.name
    address, well = ("--address", f"{here}/sock"), f"{name}-well"
    pod, healthy, config, image = (f"{here}/{each}" for each in ("pod.json", "well.json", "config.toml", "image.tar"))
    ctr = (paths.tools["ctr"], *address, "--namespace", "k8s.io")

    def own(call: str, *words: str, of: str = name) -> Argv:
        return (*_PYTHON, "harness.runtimes.cri.client", *address, call, of, *words)

    ps = Ask("ps", own("exec", "ps", "-e", "-o", "args"), SERVER)
    execute = Ask("exec", own("exec", "true"), SETNS)
    stop = Ask("stop", own("stop", "1"))
    kill = own("stop", "0")
    return Commands(
        run=own("run", pod),
        stays=False,
        kill=Ask("kill", kill),
        state=Ask("inspect", own("status"), r"(\w+ \d+)"),
        harmless=(ps, execute, Ask("stats", own("stats"), r"\d+ (ns)")),
        stuck=(
            Ask("list", own("list"), r"^\w+ (\w+)"),
            ps,
            execute,
            Ask("stats", own("stats"), r"\d+ (ns)"),
            stop,
            Ask("kill again", kill),
            Ask("delete", own("remove")),
            Ask("forced delete", own("remove-pod")),
            Ask("stop pod", own("stop-pod")),
        ),
        blocked_exec=own("exec", "sh", "-c", f"cd {_oci.NEVER}"),
        remove=Ask("delete", own("remove-pod")),
        healthy=own("once", healthy, of=well),
        daemon=(paths.tools["containerd"], "--config", config),
        hello=own("version"),
        prepare=(
            (*_PYTHON, "harness.runtimes.cri.image", _ROOTFS, paths.tools["busybox"], IMAGE, image),
            (*ctr, "images", "import", "--snapshotter", "native", image),
        ),
        files=(
            (config, configuration(here)),
            (pod, specification(container, name, (container.init, "--", *container.program), shared_pid)),
            (healthy, specification(container, well, ("/bin/true",), shared_pid)),
        ),
        exit_status=r"EXITED (\d+)",
        namespace_stays=shared_pid,
        instance=address,
    )
