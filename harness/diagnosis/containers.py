"""Which container a task is of, by the names that runtimes give to control groups and folders, and by what their state
files hold.  Pure: no runtime is asked, for one that does not answer is why somebody looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from harness.diagnosis.records import Container
from harness.model import bounded_json

_ID = r"(?P<id>[0-9a-f]{64})"
_NAME = r"(?P<id>[A-Za-z0-9][A-Za-z0-9_.-]*)"
_GROUPS = (
    ("docker", rf"docker-{_ID}\.scope|(?<=docker/){_ID.replace('id', 'id2')}"),
    ("podman", rf"libpod-(?:payload-)?{_ID}(?:\.scope)?"),
    ("cri-o", rf"crio-{_ID}(?:\.scope)?"),
    ("containerd", rf"(?:cri-containerd|nerdctl)-{_ID}\.scope"),
    ("lxc", rf"lxc\.payload\.{_NAME}"),
    ("systemd-nspawn", rf"machine-{_NAME}\.scope"),
    ("kubernetes", rf"(?<=/){_ID}$"),
)
MOST = 16
"""Containers in one path that are looked up."""
_PATTERNS = tuple((runtime, re.compile(pattern)) for runtime, pattern in _GROUPS)
_NAMESPACED = re.compile(rf"^/(?:default|k8s\.io|moby)/{_NAME}$")
"""containerd's own control groups, without systemd."""
_POD = re.compile(r"pod(?P<uid>[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})")
_FOLDERS = (
    ("docker", re.compile(rf"/docker/containers/{_ID}(?:/|$)")),
    ("docker", re.compile(rf"/io\.containerd\.runtime\.v[12]\.[a-z]+/moby/{_NAME}(?:/|$)")),
    ("containerd", re.compile(rf"/io\.containerd\.runtime\.v[12]\.[a-z]+/(?:[^/]+)/{_NAME}(?:/|$)")),
    ("podman", re.compile(rf"/containers/storage/[a-z0-9]+-containers/{_ID}(?:/|$)")),
)


def of_cgroup(text: str) -> tuple[Container, ...]:
    """Find the containers that control groups are named after.

    In v1's hierarchies an exiting task is shown at `/` (proc_cgroup_show(), kernel/cgroup/cgroup.c).

    Args:
        text: /proc/PID/cgroup, of v1, v2 or both.

    Returns:
        Of the first path that names any, all of them, the innermost first: who is in a container may have made the
        inner ones.
    """
    for line in text.split("\n"):
        path = line.split(":", 2)[-1]
        found = _of_path(path)
        if found:
            pod = _POD.search(path)
            uid = pod["uid"].replace("_", "-") if pod else None
            return tuple(replace(each, pod=uid, evidence=f"its control group {path}") for each in found)
    return ()


def _of_path(path: str) -> tuple[Container, ...]:
    found: list[tuple[int, str, str]] = []
    for runtime, pattern in _PATTERNS:
        for match in pattern.finditer(path):
            number = next(value for value in match.groupdict().values() if value)
            if runtime != "kubernetes" or "kubepods" in path:
                found.append((match.end(), runtime, number))
    if found:
        # Of two that end at the same place, the pattern that comes first counts.
        ends = {end: (runtime, number) for end, runtime, number in reversed(found)}
        return tuple(Container(*ends[end], "") for end in sorted(ends, reverse=True)[:MOST])
    named = _NAMESPACED.match(path)
    return (Container("containerd", named["id"], ""),) if named else ()


def of_folder(path: str, what: str) -> Container | None:
    """From a folder of a runtime: where a shim has its working directory, what is mounted in the container."""
    for runtime, pattern in _FOLDERS:
        match = pattern.search(path)
        if match:
            return Container(runtime, match["id"], f"{what} {path}")
    return None


STATES = (
    ("/run/runc", "state.json", "runc"),
    ("/run/crun", "status", "crun"),
    ("/run/docker/runtime-runc/moby", "state.json", "docker"),
    ("/run/containerd/runc/k8s.io", "state.json", "containerd"),
    ("/run/containerd/runc/default", "state.json", "containerd"),
)
"""Where OCI runtimes keep a folder for each container by default, the file in it that names its init, whose it is."""


def of_state(runtime: str, name: str, path: str, text: str, init: tuple[int, int]) -> Container | None:
    """`init`: PID and start time (ticks since boot); None where this container's is another."""
    raw: Any = bounded_json.parse(text)
    if not isinstance(raw, dict):
        return None
    found = (raw.get("init_process_pid", raw.get("pid")), raw.get("init_process_start", raw.get("process-start-time")))
    return Container(runtime, name, f"{path}, which names its init", confirmed=True) if found == init else None


def state_files(container: Container) -> tuple[str, ...]:
    """Where the runtime keeps what it knows of the container, the likeliest first."""
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
    if container.runtime == "kubernetes":
        return (*kept["containerd"], *kept["cri-o"], *kept["docker"])
    return kept.get(container.runtime, ())


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
    """Of an OCI bundle's config.json: its annotations, and nothing of its process."""
    runtime = container.runtime
    if runtime == "kubernetes":
        runtime = "containerd" if "/containerd/" in path else "cri-o"
    crio = _pod(found, "io.kubernetes.pod.namespace", "io.kubernetes.pod.name")
    return replace(
        container,
        runtime=runtime,
        name=_first(found, "io.kubernetes.cri.container-name", "io.kubernetes.container.name", "nerdctl/name"),
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
