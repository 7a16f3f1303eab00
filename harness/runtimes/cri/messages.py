"""The messages of runtime.v1 that are used here, with the field numbers of k8s.io/cri-api's api.proto.

Nothing is generated: protobuf makes the classes from these descriptions.  Fields that are left out are skipped where
they come, as protobuf prescribes for unknown ones.
"""

from __future__ import annotations

import re
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "runtime.v1"
MESSAGES = {
    "VersionRequest": "string version=1",
    "VersionResponse": "string version=1; string runtime_name=2; string runtime_version=3",
    "PodSandboxMetadata": "string name=1; string uid=2; string namespace=3; uint32 attempt=4",
    "NamespaceOption": "int32 network=1; int32 pid=2; int32 ipc=3; string target_id=4",
    "LinuxSandboxSecurityContext": "NamespaceOption namespace_options=1; bool privileged=6",
    "LinuxPodSandboxConfig": "string cgroup_parent=1; LinuxSandboxSecurityContext security_context=2",
    "PodSandboxConfig": "PodSandboxMetadata metadata=1; string hostname=2; LinuxPodSandboxConfig linux=8",
    "RunPodSandboxRequest": "PodSandboxConfig config=1; string runtime_handler=2",
    "RunPodSandboxResponse": "string pod_sandbox_id=1",
    "StopPodSandboxRequest": "string pod_sandbox_id=1",
    "StopPodSandboxResponse": "",
    "RemovePodSandboxRequest": "string pod_sandbox_id=1",
    "RemovePodSandboxResponse": "",
    "ContainerMetadata": "string name=1; uint32 attempt=2",
    "ImageSpec": "string image=1",
    "KeyValue": "string key=1; string value=2",
    "Mount": "string container_path=1; string host_path=2; bool readonly=3",
    "Device": "string container_path=1; string host_path=2; string permissions=3",
    "Capability": "repeated string add_capabilities=1",
    "LinuxContainerSecurityContext": "Capability capabilities=1; NamespaceOption namespace_options=3",
    "LinuxContainerConfig": "LinuxContainerSecurityContext security_context=2",
    "ContainerConfig": "ContainerMetadata metadata=1; ImageSpec image=2; repeated string command=3;"
    " repeated string args=4; string working_dir=5; repeated KeyValue envs=6; repeated Mount mounts=7;"
    " repeated Device devices=8; LinuxContainerConfig linux=15",
    "CreateContainerRequest": "string pod_sandbox_id=1; ContainerConfig config=2; PodSandboxConfig sandbox_config=3",
    "CreateContainerResponse": "string container_id=1",
    "StartContainerRequest": "string container_id=1",
    "StartContainerResponse": "",
    "StopContainerRequest": "string container_id=1; int64 timeout=2",
    "StopContainerResponse": "",
    "RemoveContainerRequest": "string container_id=1",
    "RemoveContainerResponse": "",
    "ListContainersRequest": "",
    "Container": "string id=1; string pod_sandbox_id=2; ContainerMetadata metadata=3; int32 state=6",
    "ListContainersResponse": "repeated Container containers=1",
    "ContainerStatus": "string id=1; int32 state=3; int32 exit_code=7; string reason=10; string message=11",
    "ContainerStatusRequest": "string container_id=1",
    "ContainerStatusResponse": "ContainerStatus status=1",
    "ExecSyncRequest": "string container_id=1; repeated string cmd=2; int64 timeout=3",
    "ExecSyncResponse": "bytes stdout=1; bytes stderr=2; int32 exit_code=3",
    "ContainerStatsRequest": "string container_id=1",
    "ContainerAttributes": "string id=1",
    "UInt64Value": "uint64 value=1",
    "CpuUsage": "UInt64Value usage_core_nano_seconds=2",
    "ContainerStats": "ContainerAttributes attributes=1; CpuUsage cpu=2",
    "ContainerStatsResponse": "ContainerStats stats=1",
}
STATES = ("CREATED", "RUNNING", "EXITED", "UNKNOWN")
"""The names of ContainerState, by number."""
POD, CONTAINER, NODE = 0, 1, 2
"""The values of NamespaceMode."""
_FIELD = re.compile(r"(repeated )?(\w+) (\w+)=(\d+)")
_KINDS = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _KINDS.TYPE_STRING,
    "bytes": _KINDS.TYPE_BYTES,
    "bool": _KINDS.TYPE_BOOL,
    "int32": _KINDS.TYPE_INT32,
    "int64": _KINDS.TYPE_INT64,
    "uint32": _KINDS.TYPE_UINT32,
    "uint64": _KINDS.TYPE_UINT64,
}


def described() -> descriptor_pb2.FileDescriptorProto:
    """The descriptions as protobuf has them."""
    file = descriptor_pb2.FileDescriptorProto(name="api.proto", package=PACKAGE, syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for repeated, kind, field, number in _FIELD.findall(fields):
            described_field = message.field.add(name=field, number=int(number))
            described_field.label = _KINDS.LABEL_REPEATED if repeated else _KINDS.LABEL_OPTIONAL
            if kind in _SCALARS:
                described_field.type = _SCALARS[kind]
            else:
                described_field.type, described_field.type_name = _KINDS.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
    return file


def classes() -> dict[str, Any]:
    """Message → its class."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(described())
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in MESSAGES}
