"""Kubernetes: containerd and CRI-O behind the CRI, pods, the kubelet's folders, Kata."""

from __future__ import annotations

from harness.diagnosis.shapes.shape import ID, NAME, POD, I, J, NameKind, PathShape, U, V, mismatch, scope

ORDER = 30
_SLICE = f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{V}.slice"
_QOS = "kubernetes/kubernetes: pkg/kubelet/cm/pod_container_manager_linux.go, GetPodContainerName()"
_CRI = "containerd/containerd: internal/cri/server/helpers_linux.go, getCgroupsPath(): SLICE:cri-containerd:ID"
_CRIO = "cri-o/cri-o: internal/config/cgmgr, ContainerCgroupPath(): SLICE:crio:ID or PARENT/crio-ID"
_FILES = "containerd/containerd: internal/cri/server/helpers.go, getSandboxHostname(), getSandboxRootDir()"
_KUBELET = "kubernetes/kubernetes: pkg/kubelet/kubelet_getters.go"
_STATIC = "8a3f1c0d9e4b7a6512c3d4e5f6a7b8c9"

GROUPS = (
    scope("containerd", "cri-containerd", _CRI, _SLICE, pod=U),
    scope("containerd", "cri-containerd", f"{_CRI}; systemd as the container's init", _SLICE, "/init.scope", U),
    scope(
        "containerd", "cri-containerd", f"{_CRI}; {_QOS}: guaranteed", f"/kubepods.slice/kubepods-pod{V}.slice", pod=U
    ),
    scope(
        "containerd",
        "cri-containerd",
        f"{_CRI}; kubernetes-sigs/kind: the kubelet's cgroupRoot is /kubelet",
        f"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
        f"kubelet-kubepods-besteffort-pod{V}.slice",
        pod=U,
    ),
    scope("containerd", "cri-containerd", f"{_CRI}; a pod without a cgroup parent", "/system.slice"),
    mismatch(
        "containerd",
        "cri-containerd",
        f"/system.slice/containerd.service/kubepods-burstable-pod{V}.slice",
        f"{_CRI}, under runc without SystemdCgroup",
        U,
    ),
    mismatch("cri-o", "crio", f"/kubepods-pod{V}.slice", f"{_CRIO}, under a runtime without --systemd-cgroup", U),
    scope("cri-o", "crio", _CRIO, _SLICE, "/container", U),
    PathShape("cri-o", f"crio-{ID}", _CRIO, f"/kubepods/besteffort/pod{U}/crio-{I}", I, pod=U),
    PathShape(
        "cri-o",
        rf"crio-conmon-{ID}(?:\.scope)?",
        'cri-o/cri-o: internal/oci/runtime_oci_linux.go, createUnitName("crio-conmon", ID)',
        f"{_SLICE}/crio-conmon-{I}.scope",
        I,
        pod=U,
        note="the group of the container's monitor",
    ),
    PathShape(
        "kubernetes",
        rf"[^/]*pod{POD}(?:\.slice)?/{ID}",
        f"{_QOS}: besteffort, with cgroupfs",
        f"/kubepods/besteffort/pod{U}/{I}",
        I,
        pod=U,
    ),
    PathShape(
        "kubernetes",
        f"pod{POD}/{ID}",
        f"{_QOS}: guaranteed, with cgroupfs; the static pod's UID is a hash",
        f"/kubepods/pod{_STATIC}/{I}",
        I,
        pod=_STATIC,
    ),
    PathShape(
        "kubernetes",
        f"pod{POD}/{ID}",
        "Linux: cgroup_path_ns() of kernel/cgroup/cgroup.c, read from another cgroup namespace",
        f"/../../pod{U}/{I}",
        I,
        pod=U,
    ),
    PathShape(
        "kubernetes",
        f"pod{POD}/{ID}",
        f"{_QOS}; systemd in the container, whose group is gone: proc_cgroup_show() of kernel/cgroup/cgroup.c",
        f"/kubepods/burstable/pod{U}/{I}/init.scope (deleted)",
        I,
        pod=U,
    ),
    PathShape(
        "kubernetes (kata)",
        f"kata_{ID}",
        "kata-containers/kata-containers: docs/design/host-cgroups.md",
        f"/kubepods/besteffort/pod{U}/kata_{I}",
        I,
        NameKind.SANDBOX,
        U,
        note="its processes run in a virtual machine",
    ),
    PathShape(
        "kubernetes (kata)",
        f"kata_overhead/{ID}",
        "kata-containers/kata-containers: docs/design/host-cgroups.md",
        f"/kata_overhead/{I}",
        I,
        NameKind.SANDBOX,
        note="its processes run in a virtual machine",
    ),
)
FOLDERS = (
    PathShape(
        "containerd",
        rf"sandboxes/{ID}/(?:hostname|hosts|resolv\.conf|shm)",
        _FILES,
        f"/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/{J}/hostname",
        J,
        NameKind.SANDBOX,
    ),
    PathShape(
        "containerd",
        rf"sandboxes/{ID}/(?:hostname|hosts|resolv\.conf|shm)",
        f"{_FILES}: the volatile half, on the tmpfs of /run",
        f"/containerd/io.containerd.grpc.v1.cri/sandboxes/{J}/shm",
        J,
        NameKind.SANDBOX,
    ),
    PathShape(
        "containerd",
        rf"io\.containerd\.grpc\.v1\.cri/containers/{ID}/.*",
        "containerd/containerd: internal/cri/server/helpers.go, getContainerRootDir(); the volumes of an image",
        f"/var/lib/containerd/io.containerd.grpc.v1.cri/containers/{I}/volumes/{U}",
        I,
    ),
    PathShape(
        "containerd",
        rf"io\.containerd\.runtime\.v2\.task/k8s\.io/{ID}(?:/.*)?",
        "containerd/containerd: core/runtime/v2/bundle.go; k3s-io/k3s: the state folder /run/k3s/containerd",
        f"/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/{I}",
        I,
    ),
    PathShape(
        "kubernetes",
        f"pods/(?P<pod>{POD})/containers/{NAME}/[0-9a-f]{{8}}",
        f"{_KUBELET}, getPodContainerDir(): the termination log",
        f"/var/lib/kubelet/pods/{U}/containers/web/3c5a9b21",
        "web",
        NameKind.MEMBER,
        U,
    ),
    PathShape(
        "kubernetes",
        f"pods/(?P<pod>{POD})/volume-subpaths/[^/]+/{NAME}/[0-9]+",
        "kubernetes/kubernetes: pkg/volume/util/subpath/subpath_linux.go, PODDIR/volume-subpaths/VOLUME/CONTAINER/N",
        f"/var/lib/kubelet/pods/{U}/volume-subpaths/data/web/0",
        "web",
        NameKind.MEMBER,
        U,
    ),
    PathShape(
        "kubernetes",
        f"pods/(?P<id>{POD})/etc-hosts",
        "kubernetes/kubernetes: pkg/kubelet/kubelet_pods.go, getEtcHostsPath()",
        f"/var/lib/kubelet/pods/{U}/etc-hosts",
        U,
        NameKind.POD,
        U,
    ),
    PathShape(
        "kubernetes",
        f"pods/(?P<id>{POD})/volumes/.*",
        f"{_KUBELET}, getPodVolumesDir(), where /var/lib/kubelet is a filesystem of its own",
        f"/pods/{U}/volumes/kubernetes.io~configmap/settings",
        U,
        NameKind.POD,
        U,
    ),
    PathShape(
        "kubernetes (kata)",
        f"kata-containers/shared/sandboxes/{ID}(?:/.*)?",
        "kata-containers/kata-containers: src/runtime/virtcontainers/kata_agent.go, kataHostSharedDir",
        f"/run/kata-containers/shared/sandboxes/{J}/shared",
        J,
        NameKind.SANDBOX,
    ),
)
