"""The two commands of the README on a machine that has nothing: a new Debian root, made by debootstrap."""

from __future__ import annotations

import pytest

from tests.conftest import require
from tests.setup.roots import debian_root, typed


@pytest.mark.slow
def test_a_newcomer_types_two_commands() -> None:
    require("debootstrap", "apt-get", "chroot", root=True)
    with debian_root() as root:
        assert not (root / "usr/bin/python3").exists()
        first = typed(root, "/root/fusezap/fusezap", "run", capture_output=True)
        assert first.returncode == 0, first.stdout + first.stderr
        assert "DEADLOCK" in first.stdout
        assert "nothing left behind" in first.stdout
        assert "libfuse 2" in first.stderr
        assert not list(root.glob("root/fusezap/.venv/lib/python3*/site-packages/mypy")), "run needs no linters"
        argv = ["/root/fusezap/fusezap", "test", "-q", "-n2", "tests/unit", "tests/live/test_outcomes.py"]
        tests = typed(root, *argv, capture_output=True)
        assert tests.returncode == 0, tests.stdout + tests.stderr
        assert " passed" in tests.stdout
