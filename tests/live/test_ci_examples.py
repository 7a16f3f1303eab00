"""The job files of docs/examples/ci: by the schemas of those who read them, and their steps really run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.conftest import require
from tests.meta.tree import ROOT

EXAMPLES = ROOT / "docs/examples/ci"
SUITE = """\
[[case]]
scenario = "exit-flush-self"
[[case]]
scenario = "healthy"
"""
KNOWN = """\
[[known]]
case = "exit-flush-self"
outcomes = ["deadlock"]
"""
PATIENCE_S = 300


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A user's: a suite, and the launcher of this checkout where the job files expect it."""
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "suite.toml").write_text(SUITE)
    (tmp_path / "suite" / "known.toml").write_text(KNOWN)
    (tmp_path / "bin").mkdir()
    (tmp_path / "fusezap").mkdir()
    program(tmp_path / "bin" / "sudo", 'exec "$@"')
    program(tmp_path / "fusezap" / "fusezap", f'PYTHONPATH={ROOT} exec {sys.executable} -P -m harness "$@"')
    return tmp_path


def program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def job(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / name).read_text())


def run_steps(steps: list[str], repository: Path) -> None:
    """As a runner does: each step by a shell of its own, which ends at the first command that fails."""
    env = {**os.environ, "PATH": f"{repository}/bin:{os.environ['PATH']}"}
    env["GITHUB_STEP_SUMMARY"] = str(repository / "summary.md")
    for step in steps:
        argv = ["bash", "-e", "-o", "pipefail", "-c", step]
        done = subprocess.run(
            argv, cwd=repository, env=env, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert done.returncode == 0, f"{step}\n{done.stdout}{done.stderr}"


def statuses(document: Path) -> dict[str, str]:
    return {each["case"]: each["status"] for each in json.loads(document.read_text())["results"]}


RIGHT = {"exit-flush-self": "known", "healthy": "pass"}


@pytest.mark.parametrize(
    ("name", "schema"), [("github-workflow.yml", "github-workflows"), ("gitlab-ci.yml", "gitlab-ci")]
)
def test_a_job_file_follows_the_schema_of_its_reader(name: str, schema: str) -> None:
    schema = f"vendor.{schema}"
    argv = [sys.executable, "-P", "-m", "check_jsonschema", "--builtin-schema", schema, str(EXAMPLES / name)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_steps_for_github_run(repository: Path) -> None:
    (jobs,) = job("github-workflow.yml")["jobs"].values()
    run_steps([each["run"] for each in jobs["steps"] if "run" in each], repository)
    assert statuses(repository / "last.json") == RIGHT
    assert "| exit-flush-self | host | known | deadlock |" in (repository / "summary.md").read_text()


def test_the_script_for_gitlab_runs(repository: Path) -> None:
    document = job("gitlab-ci.yml")["fusezap"]
    run_steps(document["script"], repository)
    assert statuses(repository / document["cache"]["paths"][0]) == RIGHT
    report = ElementTree.parse(repository / document["artifacts"]["reports"]["junit"]).getroot()
    assert (report.get("tests"), report.get("failures"), report.get("skipped")) == ("2", "0", "1")


def test_the_steps_for_lava_report_each_case(repository: Path) -> None:
    program(repository / "bin" / "lava-test-case", f'echo "$@" >> {repository}/cases')
    (test,) = (each["test"] for each in job("lava-job.yml")["actions"] if "test" in each)
    run_steps(test["definitions"][0]["repository"]["run"]["steps"], repository)
    reported = (repository / "cases").read_text().splitlines()
    assert reported == ["exit-flush-self --result pass", "healthy --result pass"]
    (repository / "suite" / "known.toml").write_text("")
    with pytest.raises(AssertionError, match="not ok 1 exit-flush-self"):
        run_steps(test["definitions"][0]["repository"]["run"]["steps"][:1], repository)


@pytest.mark.slow
def test_tmt_runs_the_plan(repository: Path) -> None:
    shutil.copytree(EXAMPLES / "tmt", repository, dirs_exist_ok=True)
    run_folder = repository.parent / f"{repository.name}-tmt"  # tmt refuses one inside the tree of its metadata
    options = ["-vv", "--all", "--skip", "prepare", "--id", str(run_folder)]
    where = ["-e", f"FUSEZAP={repository}/fusezap/fusezap", "-e", f"SUITE={repository}/suite"]
    argv = [sys.executable, "-P", "-m", "tmt", "--feeling-safe", "run", *options, *where, "provision", "--how", "local"]
    done = subprocess.run(argv, cwd=repository, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    outputs = "".join(path.read_text() for path in run_folder.rglob("output.txt"))
    assert done.returncode == 0, done.stdout + done.stderr + outputs
    (own,) = run_folder.rglob("fusezap.xml")
    assert ElementTree.parse(own).getroot().get("skipped") == "1"
    (report,) = run_folder.rglob("junit.xml")
    assert [each.get("name") for each in ElementTree.parse(report).iter("testcase")] == ["/fusezap"]


@pytest.mark.slow
def test_lava_accepts_the_job(tmp_path: Path) -> None:
    """LAVA's own package has the schema, which needs no more than voluptuous."""
    require("apt-get", "dpkg-deb", root=True)
    package = tmp_path / "package"
    package.mkdir()
    package.chmod(0o777)  # apt reads as a user of its own
    subprocess.run(["apt-get", "-q", "download", "lava-common"], cwd=package, check=True, capture_output=True)
    (archive,) = package.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", archive, tmp_path / "root"], check=True)
    checked = "import sys, yaml; from lava_common.schemas import validate; validate(yaml.safe_load(sys.stdin))"
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "root/usr/lib/python3/dist-packages")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", checked], input=(EXAMPLES / "lava-job.yml").read_bytes(), env=env, check=False
    )
    assert done.returncode == 0
