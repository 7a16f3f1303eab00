"""The command that runs pjdfstest: how it reads what prove prints. The suite itself is not part of this repository."""

import pytest

from tests.posix.pjdfstest import Outcome, main, parse

PASSED = """\
/s/tests/chmod/00.t ........ ok
/s/tests/utimensat/09.t .... ok
All tests successful.
Files=238, Tests=8798, 352 wallclock secs ( 2.50 usr  0.84 sys + 74.36 cusr 27.61 csys = 105.31 CPU)
Result: PASS
"""
FAILED = """\
/s/tests/chmod/00.t ... Failed 2/119 subtests

Test Summary Report
-------------------
/s/tests/chmod/00.t (Wstat: 0 Tests: 119 Failed: 2)
  Failed tests:  7, 9
Files=1, Tests=119,  3 wallclock secs ( 0.03 usr  0.01 sys +  1.21 cusr  0.63 csys =  1.88 CPU)
Result: FAIL
"""


def test_a_pass() -> None:
    assert parse(PASSED) == Outcome(files=238, tests=8798, failed=(), passed=True)


def test_a_failure_says_which() -> None:
    assert parse(FAILED) == Outcome(files=1, tests=119, failed=("Failed tests:  7, 9",), passed=False)


def test_no_summary_is_no_pass() -> None:
    with pytest.raises(ValueError, match="without its summary: Cannot"):
        parse("Cannot detect source of '/s/tests'!")


def test_a_folder_without_the_program_is_refused(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path)])
    assert "make pjdfstest" in capsys.readouterr().err
