"""The container of a task, by the names that runtimes give to control groups and folders, and by what their state files
hold.  Pure: no runtime is asked, for one that does not answer is why somebody looks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from harness.diagnosis.records import Container
from harness.diagnosis.shapes import table
from harness.diagnosis.shapes.table import Named
from harness.model import bounded_json

SANDBOX = "the sandbox of a pod"
"""The name of a container that holds the namespaces of a pod and nothing else."""


LONGEST = 4096
"""Characters of a path that is looked at: the kernel writes none that is longer (PATH_MAX)."""
MOST_LINES = 32
"""Lines that are looked at: the kernel has one for each hierarchy, of which v1 has at most one a controller and v2 one
(proc_cgroup_show(), kernel/cgroup/cgroup.c); hierarchies with a name and no controller are systemd's."""


def of_cgroup(text: str) -> tuple[Container, ...]:
    """Find the containers that control groups are named after.

    In v1's hierarchies an exiting task is shown at `/` (proc_cgroup_show(), kernel/cgroup/cgroup.c).  A line ends at a
    newline and nowhere else: no name of a group has one (cgroup_mkdir()).

    Args:
        text: /proc/PID/cgroup, of v1, v2 or both.

    Returns:
        Of the first path that names any, all of them, the innermost first: who is in a container may have made the
        inner ones.
    """
    for path in dict.fromkeys(line.split(":", 2)[-1] for line in text.split("\n", MOST_LINES)[:MOST_LINES]):
        if len(path) > LONGEST:
            continue
        found = table.of_group(path)
        if found:
            return tuple(_container(each, f"its control group {path}", found) for each in found)
    return ()


def of_folder(path: str, what: str) -> Container | None:
    """Find the container that a folder is named after: where a shim works, what is mounted in the container.

    Args:
        path: The folder or file, as it is within its filesystem.
        what: The evidence, up to the path: "it mounts".
    """
    found = table.of_folder(path)
    return _container(found[0], f"{what} {path}", found) if found else None


def of_mounts(roots: Iterable[str]) -> tuple[Container, ...]:
    """Find the containers that mounts are named after.

    A pod's containers have mounts that name the container, and others that name the pod or its sandbox.

    Args:
        roots: The fourth fields of /proc/PID/mountinfo.

    Returns:
        The most telling first, each with the pod that the others name, `table.MOST` at most.
    """
    found = [(each[0], root, each) for root in dict.fromkeys(roots) if (each := table.of_folder(root))]
    pods = {named.pod for named, _, _ in found if named.pod}
    pod = pods.pop() if len(pods) == 1 else None
    ranked = sorted(found, key=lambda each: table.rank(each[0].shape.kind))[: table.MOST]
    named = (_container(each, f"it mounts {root}", chain) for each, root, chain in ranked)
    return tuple(replace(each, pod=each.pod or pod) for each in named)


def _container(named: Named, evidence: str, chain: tuple[Named, ...]) -> Container:
    if len(chain) > 1:
        names = " inside ".join(f"{each.shape.runtime} {each.id}" for each in chain)
        evidence = f"{evidence}, which names {names}"
    if named.shape.note:
        evidence = f"{evidence} ({named.shape.note})"
    return Container(named.shape.runtime, named.id, evidence, pod=named.pod)


STATES = (
    ("/run/runc", "state.json", "runc"),
    ("/run/crun", "status", "crun"),
    ("/run/docker/runtime-runc/moby", "state.json", "docker"),
    ("/run/containerd/runc/k8s.io", "state.json", "containerd"),
    ("/run/containerd/runc/default", "state.json", "containerd"),
)
"""Default folders of OCI runtimes' state, the file in each that names the container's init, and the runtime."""


def of_state(runtime: str, name: str, path: str, text: str, init: tuple[int, int]) -> Container | None:
    """`init`: PID and start time (ticks since boot); None where this container's is another."""
    raw: Any = bounded_json.parse(text)
    if not isinstance(raw, dict):
        return None
    found = (raw.get("init_process_pid", raw.get("pid")), raw.get("init_process_start", raw.get("process-start-time")))
    return Container(runtime, name, f"{path}, which names its init", confirmed=True) if found == init else None


_ENGINES = {
    "kubernetes": ("containerd", "cri-o", "docker"),
    "podman or cri-o": ("cri-o", "podman"),
    "docker or containerd": ("docker", "containerd"),
    "docker (ecs)": ("docker",),
}
"""The engines that a name is looked up with, where a path does not tell which one it is."""


def state_files(container: Container) -> tuple[str, ...]:
    """Folders in which the runtime may keep its record of the container, the likeliest first."""
    number = container.id
    tasks = "/run/containerd/io.containerd.runtime.v2.task"
    storage = "/containers/storage"
    kept = {
        "docker": (f"/var/lib/docker/containers/{number}/config.v2.json",),
        "containerd": tuple(f"{tasks}/{namespace}/{number}/config.json" for namespace in ("k8s.io", "default", "moby")),
        "cri-o": (
            f"/run{storage}/overlay-containers/{number}/userdata/config.json",
            f"/var/lib{storage}/overlay-containers/{number}/userdata/config.json",
        ),
        "podman": (
            f"/var/lib{storage}/overlay-containers/containers.json",
            f"/var/lib{storage}/vfs-containers/containers.json",
            f"/run{storage}/overlay-containers/{number}/userdata/config.json",
        ),
    }
    engines = _ENGINES.get(container.runtime, (container.runtime,))
    return tuple(path for engine in engines for path in kept.get(engine, ()))


def described(container: Container, path: str, text: str) -> Container:
    """With what that file says; ValueError where it is none of the runtime's."""
    raw: Any = bounded_json.parse(text)
    if isinstance(raw, list):
        return _of_storage(container, raw)
    if not isinstance(raw, dict):
        raise ValueError(f"{path} holds {type(raw).__name__}")
    if "annotations" in raw:
        return _of_annotations(container, path, raw["annotations"] or {})
    if "Config" in raw:
        return _of_docker(container, raw)
    return container


def _of_docker(container: Container, raw: dict[str, Any]) -> Container:
    labels = raw["Config"].get("Labels") or {}
    return replace(
        container,
        runtime="docker",
        name=_text(raw.get("Name", "")).lstrip("/") or None,
        image=_text(raw["Config"].get("Image", "")) or None,
        pod=_pod(labels, "io.kubernetes.pod.namespace", "io.kubernetes.pod.name") or container.pod,
    )


def _of_annotations(container: Container, path: str, found: dict[str, Any]) -> Container:
    """Read the annotations of an OCI bundle's config.json, and nothing of its process."""
    runtime = container.runtime
    if runtime in _ENGINES:
        runtime = "containerd" if "/containerd/" in path else "cri-o"
        if found.get("io.container.manager") == "libpod":  # pkg/annotations/annotations.go of CRI-O, and libpod's
            runtime = "podman"
    names = ("io.kubernetes.cri.container-name", "io.kubernetes.container.name", "nerdctl/name")
    kinds = ("io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType")
    crio = _pod(found, "io.kubernetes.pod.namespace", "io.kubernetes.pod.name")
    return replace(
        container,
        runtime=runtime,
        name=SANDBOX if _first(found, *kinds) == "sandbox" else _first(found, *names),
        image=_first(found, "io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName", "nerdctl/image"),
        pod=_pod(found, "io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri.sandbox-name")
        or crio
        or container.pod,
    )


def _of_storage(container: Container, entries: Iterable[Any]) -> Container:
    """containers.json of containers/storage: one entry a container, `metadata` JSON of its own."""
    for entry in entries:
        if isinstance(entry, dict) and entry.get("id") == container.id:
            names = entry.get("names") or [None]
            metadata = bounded_json.parse(_text(entry.get("metadata")) or "{}")
            if not isinstance(names, list) or not isinstance(metadata, dict):
                raise ValueError("the entry of the container is none of containers/storage")
            return replace(container, name=_text(names[0]) or None, image=_text(metadata.get("image-name")) or None)
    return container


def _first(found: dict[str, Any], *keys: str) -> str | None:
    return next((_text(found[key]) for key in keys if found.get(key)), None)


def _pod(found: dict[str, Any], namespace: str, name: str) -> str | None:
    return f"{found.get(namespace, '')}/{found[name]}".lstrip("/") if found.get(name) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
