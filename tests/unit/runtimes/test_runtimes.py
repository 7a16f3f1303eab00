"""The pure parts of what is asked of container runtimes: command lines, bundles, words, formats."""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import os
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness import registry
from harness.commands import runtimes as command
from harness.errors import LaunchError, UsageError
from harness.model.records import Kernel, Outcome
from harness.runtimes import formats, oci, rootfs, tools
from harness.runtimes.cri import image, messages
from harness.runtimes.driver import Bind, Commands, GuestContainer, InstancePaths
from harness.runtimes.drivers import _cri, lxc
from harness.runtimes.experiment import findings_in, is_about
from harness.runtimes.formats import _words
from harness.runtimes.records import (
    Answer,
    Experiment,
    ExperimentResult,
    Moment,
    Operation,
    ProcessRow,
    Recovery,
    RuntimesReport,
    StuckState,
    Subject,
)
from harness.runtimes.sandbox import said

CONTAINER = GuestContainer(
    "fusezap-1-flush",
    ("python", "-m", "fakefs", "/mnt"),
    {"PYTHONPATH": "/checkout"},
    "/run/sandbox/rootfs",
    (Bind("/usr"), Bind("/run/notify", writable=True)),
    "/fusezap-1",
    "/usr/bin/tini",
)
NO_SUCH = "no such container"
EVIL = "a|b\x1b[31m <script> `x` ]"


def commands_of(name: str) -> Commands:
    module = tools.engine(name)
    programs = {program: f"/own/{program}" for need in module.NEEDS for program in need.programs}
    found: Commands = module.commands(InstancePaths("/run/sandbox/instance", programs), CONTAINER)
    return found


@pytest.mark.parametrize("name", tools.names())
def test_every_command_is_given_the_private_instance_and_nothing_of_the_users(name: str) -> None:
    commands = commands_of(name)
    asks = (commands.kill, commands.state, *commands.harmless, *commands.stuck, *commands.pending, commands.remove)
    for argv in (commands.run, commands.healthy, commands.blocked_exec, *(ask.argv for ask in asks), *commands.prepare):
        ours = argv[0] == sys.executable
        assert ours or argv[0].startswith("/own/"), "by its whole path: a user's own build counts"
        assert " ".join(commands.instance) in " ".join(argv) or "harness.runtimes.cri.image" in argv
        assert any("/run/sandbox/instance" in word for word in argv), argv
    if commands.daemon:
        assert all("/var/lib" not in word and "/run/docker" not in word for word in commands.daemon)
        assert commands.hello


@pytest.mark.parametrize("name", tools.names())
def test_what_is_asked_of_a_stuck_one_is_what_people_try(name: str) -> None:
    commands = commands_of(name)
    asked = {ask.name for ask in commands.stuck}
    assert {"ps", "exec", "stop", "kill again", "delete", "forced delete"} <= asked
    assert commands.kill.name == "kill"
    assert commands.state.name == "inspect"


def test_an_unknown_runtime_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="docker"):
        tools.engine("dokcer")


def test_what_is_missing_is_shown_with_what_to_install() -> None:
    module = tools.engine("docker")
    found, missing = tools.find(module.NEEDS, {})
    assert len(found) + len(missing) == len(module.NEEDS)
    nothing, told = tools.find((type(module.NEEDS[0])(("no-such-program",), "the-package"),), {})
    assert nothing == {}
    assert told == ("no-such-program is not installed: install the-package",)


def test_a_users_own_build_is_taken_first_and_must_be_a_program(tmp_path: Path) -> None:
    build = tmp_path / "runc"
    build.write_text("#!/bin/sh\n")
    with pytest.raises(UsageError, match="no program"):
        tools.check("runc", str(build))
    build.chmod(0o755)
    module = tools.engine("runc")
    found, _ = tools.find(module.NEEDS, {"runc": tools.check("runc", str(build))})
    assert found["runc"] == str(build)


@pytest.mark.parametrize(
    ("text", "version"),
    [("runc version 1.1.5+ds1\ncommit: x", "1.1.5+ds1"), ("Docker version 20.10.24+dfsg1, build 5", "20.10.24+dfsg1")],
)
def test_a_version_is_read(text: str, version: str) -> None:
    assert tools.parse_version(text) == version


def test_a_bundle_has_the_device_and_init_in_front() -> None:
    config = json.loads(oci.config(CONTAINER))
    assert config["process"]["args"] == ["/usr/bin/tini", "--", *CONTAINER.program]
    assert [each["path"] for each in config["linux"]["devices"]] == ["/dev/fuse"]
    assert {"type": "pid"} in config["linux"]["namespaces"]
    binds = {each["source"]: each["options"] for each in config["mounts"] if each["type"] == "bind"}
    assert "ro" in binds["/usr"]
    assert "rw" in binds["/run/notify"]
    assert json.loads(oci.config(CONTAINER, ("/bin/true",)))["process"]["args"] == ["/bin/true"]


@pytest.mark.parametrize("shared", [False, True])
def test_a_pods_specification_fits_the_messages(shared: bool) -> None:
    found = json.loads(_cri.specification(CONTAINER, "name", ("/usr/bin/tini", "--", "a"), shared))
    made = messages.classes()
    pod = made["PodSandboxConfig"](**found["pod"])
    options = pod.linux.security_context.namespace_options
    assert (options.network, options.pid) == (messages.NODE, messages.POD if shared else messages.CONTAINER)
    request = made["CreateContainerRequest"](pod_sandbox_id="1", config=found["container"], sandbox_config=pod)
    again = made["CreateContainerRequest"].FromString(request.SerializeToString())
    assert list(again.config.command) == ["/usr/bin/tini", "--", "a"]
    assert again.sandbox_config.linux.cgroup_parent.startswith("/fusezap-1/kubepods/")
    assert [each.host_path for each in again.config.mounts] == ["/usr", "/run/notify"]
    assert [each.readonly for each in again.config.mounts] == [True, False]


def test_a_message_is_on_the_wire_as_the_interface_has_it() -> None:
    """StopContainerRequest{container_id: "c", timeout: 3}: fields 1 (bytes) and 2 (varint)."""
    assert (
        messages.classes()["StopContainerRequest"](container_id="c", timeout=3).SerializeToString()
        == b"\n\x01c\x10\x03"
    )
    status = messages.classes()["ContainerStatusResponse"].FromString(b"\n\x0c\n\x01c\x18\x02\x32\x02ab\x38\x89\x01")
    assert (status.status.id, messages.STATES[status.status.state], status.status.exit_code) == ("c", "EXITED", 137)


def test_the_pause_image_is_an_oci_layout_whose_digests_are_right() -> None:
    data = image.archive(rootfs.archive(()), b"program", "fusezap.invalid/pause:1", image.go_name("x86_64"))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        texts = {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]
    for name, text in texts.items():
        if name.startswith("blobs/"):
            assert name.rpartition("/")[2] == hashlib.sha256(text).hexdigest()
    (entry,) = json.loads(texts["index.json"])["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "fusezap.invalid/pause:1"
    manifest = json.loads(texts[f"blobs/sha256/{entry['digest'].partition(':')[2]}"])
    assert (
        json.loads(texts[f"blobs/sha256/{manifest['config']['digest'].partition(':')[2]}"])["architecture"] == "amd64"
    )


def test_a_missing_python_module_is_named() -> None:
    need = type(tools.engine("docker").NEEDS[0])((), "the-package", "no_such_module")
    assert tools.find((need,), {}) == ({}, ("the Python module no_such_module is not installed: install the-package",))


def test_an_lxc_container_is_unconfined_and_has_the_device_and_its_own_group() -> None:
    text = lxc.config(CONTAINER, "name", ("/usr/bin/tini", "--", "a b"))
    lines = text.splitlines()
    assert "lxc.init.cmd = /usr/bin/tini -- 'a b'" in lines
    assert "lxc.cgroup.dir = fusezap-1/name" in lines
    assert "lxc.mount.entry = /usr usr none rbind,ro 0 0" in lines
    assert "lxc.mount.entry = /run/notify run/notify none rbind,rw 0 0" in lines
    assert any(line.startswith("lxc.mount.entry = /dev/fuse ") for line in lines)


def test_the_root_filesystem_copies_nothing() -> None:
    archive = rootfs.archive(rootfs.binds())
    assert len(archive) < 1 << 20
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert all(entry.size == 0 for entry in tar)
        assert {"usr", "mnt", "proc", "dev"} <= set(tar.getnames())


@pytest.mark.parametrize(
    ("text", "shows", "words"),
    [
        ("", "", ""),
        ("\nfirst\nsecond", "", "first"),
        ("first\nError: no such container", "", "Error: no such container"),
        ('time="x" level=error msg="it says \\"no\\""', "", 'it says "no"'),
        ("ID  7  RUNNING", r"ID\s+\d+\s+(\w+)", "RUNNING"),
    ],
)
def test_the_line_with_the_message(text: str, shows: str, words: str) -> None:
    assert said(text, shows) == words


@pytest.mark.parametrize(
    ("text", "errors", "status", "words"),
    [
        ("running 0", 'time="x" level=warning msg="Using cgroups-v1 which is deprecated"', 0, "running 0"),
        ("", 'time="x" level=warning msg="Using cgroups-v1"\ntime="x" level=error msg="no such container"', 1, NO_SUCH),
        ("", "WARNING: Error loading config file", 0, ""),
        ("", "WARN[0000] DEPRECATED: the legacy builder", 0, ""),
        ("ID", "Flag --time has been deprecated, use --timeout instead", 0, "ID"),
        ("out", "Error: no such container", 1, "Error: no such container"),
        ("failed", "Error: no such container", 0, "failed"),
        ("", "permission denied", 1, "permission denied"),
    ],
)
def test_a_notice_is_no_answer_and_a_success_says_what_it_prints(
    text: str, errors: str, status: int, words: str
) -> None:
    assert said(text, "", errors, status) == words


def test_a_pattern_is_looked_for_in_both_streams() -> None:
    assert said("", r"(setns [a-z]+)", "error executing setns process", 1) == "setns process"


@pytest.mark.parametrize("text", ["", "Traceback", "[]", "{}", '{"findings": 7}'])
def test_a_diagnose_that_fails_is_told_from_one_that_finds_nothing(text: str) -> None:
    assert findings_in('{"findings": []}', 0) == []
    with pytest.raises(LaunchError, match="ended with 3"):
        findings_in(text, 3)


def test_a_finding_is_known_by_its_init_or_where_that_lives_by_its_process() -> None:
    tree = {"shim": None, "roots": [{"pid": 6, "children": [{"pid": 7, "children": []}]}]}
    assert is_about({"init_pid": 7, "processes": None}, 7)
    assert is_about({"init_pid": None, "processes": tree}, 7)
    assert not is_about({"init_pid": None, "processes": tree}, 8)


def test_in_a_pod_with_a_shared_namespace_the_server_alone_is_judged() -> None:
    assert commands_of("cri-shared-pid").namespace_stays
    assert not commands_of("cri").namespace_stays


def test_the_client_is_in_the_versions_and_ps_is_named() -> None:
    assert [name for name, _ in tools.engine("docker").VERSIONS] == ["dockerd", "docker", "containerd", "runc"]
    for name in ("docker", "runc"):
        assert "procps" in [need.package for need in tools.engine(name).NEEDS]


def test_what_fails_costs_its_own_cell_and_what_came_before_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """docker has two experiments: in the second a process ends between two reads."""
    file = tmp_path / "report.json"
    course = report().subjects[0].courses[0]
    written: list[int] = []

    def experiment(_: object, __: object, which: Experiment, *___: object) -> tuple[ExperimentResult, tuple[str, ...]]:
        if which is Experiment.EXEC:
            written.append(len(json.loads(file.read_text())["subjects"][0]["courses"]))
            raise ProcessLookupError(3, "No such process")
        return course, ()

    monkeypatch.setattr(command, "run_experiment", experiment)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(tools, "find", lambda *_: ({}, ()))
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    assert command.execute(parser.parse_args(["--runtime", "docker", "--json", "--report", f"json={file}"])) == 1
    (subject,) = json.loads(capsys.readouterr().out)["subjects"]
    assert written == [1], "the first experiment's result was there before the second began"
    assert subject["errors"] == ["exec: [Errno 3] No such process"]
    assert len(subject["courses"]) == 1
    assert json.loads(file.read_text())["subjects"] == [subject]


NOT_MEASURED = Operation("top", Moment.STUCK, "x top ID", Answer(None, "", 0.0, 15.0, "the sandbox is gone"))


def test_a_cell_that_was_not_measured_says_so_and_is_no_silence() -> None:
    assert _words.answer(NOT_MEASURED.answer) == "not measured: the sandbox is gone"
    (subject, *others) = report().subjects
    (course,) = subject.courses
    course = replace(course, operations=(*course.operations, NOT_MEASURED))
    changed = replace(report(), subjects=(replace(subject, courses=(course,)), *others))
    assert "no answer to kill;" in _words.summary(changed)
    for name in registry.names(formats):
        assert "the sandbox is gone" in registry.module(formats, name).render(changed), name


def report() -> RuntimesReport:
    stuck = Operation("inspect", Moment.STUCK, "x inspect ID", Answer(0, "running", 0.01, 15.0))
    silent = Operation("kill", Moment.STUCK, "x kill ID", Answer(None, "", 15.0, 15.0))
    failed = Operation("exec", Moment.STUCK, "x exec ID true", Answer(255, EVIL, 0.02, 15.0))
    ended = Operation("inspect", Moment.ABORTED, "x inspect ID", Answer(0, "exited 137", 0.01, 15.0))
    healthy = Operation("exec", Moment.HEALTHY, "x exec ID true", Answer(0, "", 0.02, 15.0))
    tree = (ProcessRow("init", 7, "tini", "S", 1, "zap_pid_ns_processes"), ProcessRow("process", 8, "f", "Z", 2, None))
    picture = StuckState(Outcome.DEADLOCK, ("proven",), (), tree, 12.0)
    recovery = Recovery(1.0, 0.1, "exited 137", 137, True, ())
    course = ExperimentResult(Experiment.FLUSH, picture, (healthy, silent, stuck, failed, ended), recovery, 20.0)
    good = Subject("docker", "about it", (("dockerd", "1.2"),), (course,))
    absent = Subject("podman", "about it", (), missing=("podman is not installed: install podman",))
    broken = Subject("crun", "about it", (("crun", "1"),), errors=("flush: it did not start",), leftovers=(EVIL,))
    return RuntimesReport(
        "fusezap runtimes", "1.2.3", "2026-01-02T03:04:05Z", 20.0, Kernel("6.1", "#1", "x86_64"), (good, absent, broken)
    )


def rendered(name: str) -> str:
    text: str = registry.module(formats, name, "SUMMARY", "render").render(report())
    return text


@pytest.mark.parametrize("name", registry.names(formats))
def test_every_format_shows_the_answers_and_nothing_of_them_acts(name: str) -> None:
    text = rendered(name)
    assert "docker" in text
    assert "exec" in text
    assert "\x1b" not in text
    assert text.count("<script>") == (name == "html") or name in ("csv", "json", "terminal", "ktap")


def test_a_silent_answer_is_shown_with_its_bound() -> None:
    for name in ("terminal", "markdown", "html", "ktap"):
        assert "no answer within 15 s" in rendered(name)


def test_the_page_is_a_table_and_its_first_paragraph_comes_from_the_answers() -> None:
    text = rendered("markdown")
    assert text.startswith("# ")
    assert "docker: no answer to kill; an error to exec; success to inspect." in text
    rows = [line for line in text.splitlines() if line.startswith("| exec")]
    assert rows
    assert all(line.replace("\\|", "").count("|") == 4 for line in rows)


def test_junit_and_ktap_count_what_failed() -> None:
    suite = ET.fromstring(rendered("junit").partition("\n")[2])
    assert (suite.get("tests"), suite.get("errors"), suite.get("skipped"), suite.get("failures")) == (
        "3",
        "1",
        "1",
        "0",
    )
    lines = rendered("ktap").splitlines()
    assert lines[:2] == ["KTAP version 1", "1..3"]
    assert "ok 1 docker flush" in lines
    assert "not ok 3 crun" in lines


def test_csv_has_a_row_an_answer() -> None:
    rows = list(csv.DictReader(io.StringIO(rendered("csv"))))
    assert len(rows) == 5
    assert [row["status"] for row in rows if row["operation"] == "kill"] == [""]


def test_json_is_the_records() -> None:
    document = json.loads(rendered("json"))
    assert [each["good"] for each in document["subjects"]] == [True, False, False]
