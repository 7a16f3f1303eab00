"""The plugin as its users meet it: pytest in a folder of its own, with real hangs."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.linux.polling import wait_until
from tests.live.conftest import NOTHING, machine, nothing_left, traces
from tests.meta.tree import ROOT

__all__ = ["machine", "nothing_left"]

pytest_plugins = ["pytester"]
Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """pytest in a process of its own, on this text: (source, *arguments)."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.delenv("FUSEZAP_REQUIRE", raising=False)

    def call(source: str, *arguments: str) -> pytest.RunResult:
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        if source:
            pytester.makepyfile(source)
        return pytester.runpytest_subprocess(*_plugin(), "-p", "no:cacheprovider", *arguments, timeout=60)

    return call


def _plugin() -> tuple[str, ...]:
    """Not twice where it is installed; and without that of hypothesis, which takes most of a start and is not used."""
    installed = {each.name for each in importlib.metadata.entry_points(group="pytest11")}
    ours = () if "fusezap" in installed else ("-p", "harness.pytest_plugin.plugin")
    return (*ours, "-p", "no:hypothesispytest")


def shown(result: pytest.RunResult) -> str:
    return result.stdout.str() + result.stderr.str()


def test_a_hang_step_by_step(run: Run) -> None:
    result = run(
        """
        def test_it(hang):
            deadlock, released = hang("exit-flush-self"), hang("healthy")
            assert deadlock.init != released.init
            assert deadlock.armed.live
            deadlock.kill()
            verdict = deadlock.verdict()
            assert verdict.outcome == "deadlock"
            assert verdict is deadlock.verdict()
            assert deadlock.resolve().released
            assert released.resolve() is None
            assert released.result().verdict.outcome == "released"
            assert deadlock.result().leftovers == ()
        """
    )
    result.assert_outcomes(passed=1)


def test_what_a_test_leaves_is_taken_away(run: Run) -> None:
    result = run(
        """
        def test_it(hang):
            hang("exit-flush-self").kill()
            hang("exit-flush-peer-outside")
        """
    )
    result.assert_outcomes(passed=1)
    assert traces() == NOTHING


def test_a_failure_tells_the_wait_for_graph(run: Run) -> None:
    result = run(
        """
        from harness.model.records import Outcome

        def test_it(hang):
            assert hang("exit-flush-self").verdict().outcome is Outcome.RELEASED
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*fusezap: wait-for graph*",
            "DEADLOCK: proven*",
            "Process tree",
            "*request_wait_answer*",
            "Who waits for whom",
        ]
    )
    assert "\x1b" not in result.stdout.str()


def test_programs_of_the_users_own(run: Run) -> None:
    result = run(
        """
        def test_it(pid_namespace):
            container = pid_namespace(["sleep", "1000"], ["sleep", "1001"])
            assert len(container.armed.live) == 3
            assert container.verdict().outcome == "released"

        def test_a_program_that_is_not_there(pid_namespace):
            pid_namespace(["no-such-program"])
        """
    )
    result.assert_outcomes(passed=1, failed=1)
    assert "no program that can be found" in shown(result)


def test_a_filesystem_that_misbehaves(run: Run) -> None:
    result = run(
        """
        import errno, threading
        import pytest

        def test_it(misbehaving_fs):
            fs = misbehaving_fs(rules=["open@/f:errno=EIO,times=1"], files={"/f": "hello"})
            with pytest.raises(OSError) as caught:
                (fs.path / "f").read_text()
            assert caught.value.errno == errno.EIO
            assert (fs.path / "f").read_text() == "hello"
            fs.control.set(["getattr@/f:hang"])
            threading.Thread(target=(fs.path / "f").exists, daemon=True).start()
            fs.control.wait("held", "getattr")
            assert any(entry.event == "held" for entry in fs.journal())
        """
    )
    result.assert_outcomes(passed=1)
    assert "fakefs" not in Path("/proc/self/mountinfo").read_text()


@pytest.mark.parametrize(
    ("marker", "outcomes"),
    [
        ('scenario="exit-flush-self", expect="deadlock"', {"passed": 1}),
        ('"exit-flush-self", expect={"deadlock", "released"}', {"passed": 1}),
        ('scenario="healthy"', {"passed": 1}),
        ('scenario="exit-flush-self", expect="released"', {"errors": 1}),
    ],
)
def test_the_marker(run: Run, marker: str, outcomes: dict[str, int]) -> None:
    result = run(
        f"""
        import pytest

        @pytest.mark.fusezap({marker})
        def test_it(fusezap_result):
            assert fusezap_result.leftovers == ()
        """,
        "--strict-markers",
    )
    result.assert_outcomes(**outcomes)
    if "errors" in outcomes:
        result.stdout.fnmatch_lines(["*exit-flush-self came to deadlock, expected released", "DEADLOCK: proven*"])


def test_the_marker_runs_the_scenario_for_a_test_that_does_not_ask_for_the_result(run: Run) -> None:
    result = run(
        """
        import pytest

        @pytest.mark.fusezap(scenario="healthy", expect="deadlock")
        def test_it():
            pass
        """
    )
    result.assert_outcomes(errors=1)


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ('scenario="helthy"', "unknown scenario 'helthy'; near: healthy"),
        ('scenario="healthy", expect="realeased"', "unknown outcome 'realeased'; there are: released"),
        ('scenario="healthy", expct="released"', "the marker is fusezap(scenario"),
        ("", "the marker is fusezap(scenario"),
    ],
)
def test_a_marker_that_cannot_be_stops_the_collection(run: Run, marker: str, words: str) -> None:
    result = run(f"import pytest\n\n@pytest.mark.fusezap({marker})\ndef test_it():\n    pass\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert words in shown(result)


def test_the_scenarios_as_tests(run: Run) -> None:
    words = ["--fusezap-scenarios=exit-flush-self", "--fusezap-scenarios=close-self", "--fusezap-scenarios=healthy"]
    result = run("", *words, "-rA", "-v")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "fusezap::exit-flush-self FAILED*",
            "fusezap::close-self PASSED*",
            "fusezap::healthy PASSED*",
            "exit-flush-self came to deadlock, where released is wanted",
            "*Who waits for whom*",
        ]
    )
    assert "close-self: deadlock" in shown(result), "a behaviour tells what it came to"


def test_an_unknown_scenario_names_those_near_it(run: Run) -> None:
    result = run("", "--fusezap-scenarios=exit-flush-slef")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "near: exit-flush-self" in shown(result)


def test_in_two_processes_at_once(run: Run) -> None:
    result = run(
        """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(hang, number):
            assert hang("exit-flush-self").verdict().outcome == "deadlock"
        """,
        "-n",
        "2",
        "--fusezap-scenarios=healthy",
    )
    result.assert_outcomes(passed=5)


@pytest.mark.parametrize(("require", "outcomes"), [("0", {"skipped": 1}), ("1", {"failed": 1})])
def test_what_is_missing_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, require: str, outcomes: dict[str, int]
) -> None:
    source = """
        from harness.linux import features

        def test_it(hang, monkeypatch):
            monkeypatch.setitem(features.PROBES, "root", lambda: False)
            monkeypatch.setitem(features.PROBES, "cgroup v1 freezer", lambda: False)
            hang("frozen-cgroup")
        """
    import os

    plugin = run  # the environment of the process is set after the fixture has cleared it
    monkeypatch.setitem(os.environ, "FUSEZAP_REQUIRE", require)
    result = plugin(source, "-rs")
    result.assert_outcomes(**outcomes)
    assert "fusezap needs: root; cgroup v1 freezer" in shown(result)


def test_a_killed_pytest_leaves_nothing(run: Run) -> None:
    result = run(
        """
        import os, signal

        def test_it(hang, misbehaving_fs):
            misbehaving_fs()
            hang("exit-flush-self").kill()
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    assert result.ret == -9
    wait_until("nothing is left", 5, lambda: not _left())


def _left() -> bool:
    return traces() != NOTHING or " - fuse.fakefs fakefs-" in Path("/proc/self/mountinfo").read_text()


def test_only_the_marked_parameters_run_the_scenario(run: Run) -> None:
    result = run(
        """
        import pytest

        marked = pytest.param(2, marks=pytest.mark.fusezap("healthy", expect="released"))

        @pytest.mark.parametrize("number", [1, marked, 3])
        def test_it(number):
            pass
        """
    )
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize("marker", ['"healthy", expect=5', '"healthy", expect=[5]', "5"])
def test_a_marker_of_wrong_types_is_a_usage_error(run: Run, marker: str) -> None:
    result = run(f"import pytest\n\n@pytest.mark.fusezap({marker})\ndef test_it():\n    pass\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "test_it: " in shown(result)


def test_workers_tell_what_is_wrong_instead_of_crashing(run: Run) -> None:
    source = """
        import pytest

        @pytest.mark.fusezap("helthy")
        def test_it():
            pass
        """
    result = run(source, "-n", "1")
    result.assert_outcomes(errors=1)
    assert "unknown scenario 'helthy'; near: healthy" in shown(result)
    result = run("", "-n", "1", "--fusezap-scenarios=helthy")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "near: healthy" in shown(result)


def test_a_failing_scenario_tells_its_graph_without_colour(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = run("", "--color=no", "--fusezap-scenarios=exit-flush-self")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*fusezap: wait-for graph*", "DEADLOCK: proven*", "Who waits for whom"])
    assert "\x1b" not in result.stdout.str()


@pytest.mark.parametrize(("require", "outcomes"), [("0", {"skipped": 1}), ("1", {"failed": 1})])
def test_a_machine_that_refuses_namespaces_is_a_reason_to_skip(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, require: str, outcomes: dict[str, int]
) -> None:
    """In a user namespace that allows no mount namespace: only trying shows it."""
    monkeypatch.setenv("FUSEZAP_REQUIRE", require)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile("def test_it(hang):\n    hang('healthy')\n")
    script = 'echo 0 > /proc/sys/user/max_mnt_namespaces && exec "$@"'
    argv = [sys.executable, "-m", "pytest", *_plugin(), "-p", "no:cacheprovider", "-rs"]
    result = pytester.run("unshare", "--user", "--map-root-user", "sh", "-c", script, "sh", *argv, timeout=60)
    result.assert_outcomes(**outcomes)
    assert "refuses the namespaces" in shown(result)


def test_a_folder_with_a_long_name_will_do(run: Run, tmp_path: Path) -> None:
    """Longer than the address of a UNIX socket may be."""
    source = """
        def test_it(misbehaving_fs):
            assert (misbehaving_fs(files={"/f": "x"}).path / "f").read_text() == "x"
        """
    run(source, f"--basetemp={tmp_path / ('long' * 40)}").assert_outcomes(passed=1)


def test_a_server_that_does_not_answer_is_unmounted_where_it_was_mounted(run: Run) -> None:
    """Also on a machine without a mounted fusectl, and without moving pytest into another mount namespace."""
    result = run(
        """
        import os, signal
        import pytest

        @pytest.fixture
        def stays():
            before = os.readlink("/proc/self/ns/mnt")
            yield
            assert os.readlink("/proc/self/ns/mnt") == before

        def test_it(stays, monkeypatch, misbehaving_fs):
            monkeypatch.setattr("harness.pytest_plugin.mounted.END_S", 0.5)
            os.kill(misbehaving_fs().pid, signal.SIGSTOP)
        """
    )
    result.assert_outcomes(passed=1)
    assert "fakefs-" not in Path("/proc/self/mountinfo").read_text()


def test_the_tutorial_is_true(run: Run) -> None:
    """Its example passes, and fails with the proof once SERVER is what its last step says."""
    source = (ROOT / "docs/examples/test_my_server.py").read_text()
    assert len([line for line in source.splitlines() if line.strip()]) <= 20
    run(source).assert_outcomes(passed=3)
    page = (ROOT / "docs/tutorials/first-test.md").read_text()
    changed, count = re.subn(r"^SERVER = .*$", re.findall(r"^SERVER = .*$", page, re.MULTILINE)[0], source, flags=re.M)
    assert count == 1
    result = run(changed)
    result.assert_outcomes(passed=2, failed=1)
    assert "fusezap: wait-for graph" in shown(result)
    assert "DEADLOCK" in shown(result)
