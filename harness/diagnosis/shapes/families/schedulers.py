"""Schedulers that name the group of a task themselves: ECS, Nomad, Mesos, Cloud Foundry."""

from __future__ import annotations

from harness.diagnosis.shapes.shape import ID, UUID, I, PathShape, U

ORDER = 15
_ECS = "aws/amazon-ecs-agent: agent/api/task/task_linux.go, BuildCgroupRoot()"
_TASK = "e95a40efbde84cbc8600660a109ec194"
_NOMAD = "hashicorp/nomad: client/lib/cgroupslib, SLICE/share.slice/ALLOCATION.TASK.scope"
_NOMAD_EXAMPLE = f"/nomad.slice/share.slice/{U}.web.scope"
_MESOS = "apache/mesos: docs/mesos-containerizer.md, --cgroups_root=mesos; nested as A/mesos/B"

GROUPS = (
    PathShape("docker (ecs)", f"ecs/(?:[^/]+/){{1,2}}{ID}", f"{_ECS}: /ecs/TASK, version 1", f"/ecs/{_TASK}/{I}", I),
    PathShape(
        "docker (ecs)",
        f"ecs/(?:[^/]+/){{1,2}}{ID}",
        f"{_ECS}; the AWS documentation, Amazon ECS task metadata: /ecs/CLUSTER/TASK",
        f"/ecs/shop/{_TASK}/{I}",
        I,
    ),
    PathShape(
        "docker (ecs)",
        rf"ecstasks\.slice/ecstasks-[0-9a-f]+\.slice/docker-{ID}\.scope",
        f"{_ECS}: ecstasks-TASK.slice, version 2",
        f"/ecstasks.slice/ecstasks-{_TASK}.slice/docker-{I}.scope",
        I,
    ),
    PathShape(
        "ecs (fargate)",
        "ecs/(?:[^/]+/){0,2}(?P<id>[0-9a-f]{32}-[0-9]+)",
        "DataDog/dd-trace-py: tests/tracer/runtime/test_container.py; Fargate's containers are called TASK-NUMBER",
        f"/ecs/{_TASK}/{_TASK}-2531612879",
        f"{_TASK}-2531612879",
    ),
    PathShape(
        "nomad",
        r"(?:share|reserve)\.slice/(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[^/]+)\.scope",
        _NOMAD,
        _NOMAD_EXAMPLE,
        f"{U}.web",
    ),
    PathShape("mesos", f"mesos/{UUID}", _MESOS, f"/mesos/3b1cf944-1d97-40a6-ac73-b156ac2f2bfe/mesos/{U}", U),
    PathShape(
        "garden",
        "garden/(?P<id>[0-9a-f]{8}-[0-9a-f-]{8,27})",
        "DataDog/dd-trace-py: tests/tracer/runtime/test_container.py; a handle of Cloud Foundry",
        "/garden/6f265890-5165-7fab-6b52-18d1",
        "6f265890-5165-7fab-6b52-18d1",
    ),
)
FOLDERS = (
    PathShape(
        "nomad",
        f"alloc/{UUID}/[^/]+(?:/.*)?",
        "hashicorp/nomad: client/allocdir/alloc_dir.go, ALLOCDIR/ALLOCATION/TASK",
        f"/opt/nomad/data/alloc/{U}/web/local",
        U,
    ),
)
