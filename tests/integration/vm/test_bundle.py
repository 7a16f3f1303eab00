"""The modules that a guest imports from one file: here, in interpreters of their own."""

from __future__ import annotations

import ast
import marshal
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fakefs import binding
from fakefs.errors import SetupError
from harness.vm import root
from harness.vm.bundle import make
from harness.vm.root import Root
from harness.vm.visible import CHECKOUT


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return make.file(root.own())


def python(program: str, *arguments: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    argv = [sys.executable, "-P", "-S", "-c", program, *arguments]
    ended = subprocess.run(argv, capture_output=True, text=True, env=env, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_bundle_holds_what_a_run_imports(file: Path) -> None:
    made = file.stat().st_mtime_ns
    assert make.file(root.own()).stat().st_mtime_ns == made
    found = marshal.loads(file.read_bytes())
    assert {"harness.vm.guest", "harness.run.trial", "fakefs.run", "harness.launch.arm"} <= set(found["modules"])
    assert {"fuse", "mfusepy"} & set(found["modules"]), "the binding to libfuse that this machine uses"
    assert not any(name.startswith(("harness.report.formats", "harness.report.page")) for name in found["modules"])
    assert ("hang", False) in found["folders"][str(CHECKOUT / "fakefs/faults")]


def test_a_forced_binding_has_a_bundle_of_its_own(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = binding.KINDS["mfusepy"]
    try:
        binding.find_library(kind, kind.sonames)
    except SetupError as error:
        pytest.skip(f"missing: {error}")
    monkeypatch.setenv("FAKEFS_FUSE", "mfusepy")
    other = make.file(root.own())
    assert other != file
    assert "mfusepy" in marshal.loads(other.read_bytes())["modules"]


def test_a_bundle_of_other_sources_is_made_anew(file: Path) -> None:
    file.write_bytes(b"broken")
    assert make.file(root.own()).stat().st_size > 100_000


def test_for_a_root_of_its_own_the_text_of_that_root_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    there = Path("/usr/lib/python{}.{}".format(*sys.version_info[:2]))
    library = tmp_path / "root" / there.relative_to("/")
    library.mkdir(parents=True)
    (library / "dataclasses.py").write_text("of_that_root = 1\n")
    elsewhere = Root(tmp_path / "root", Path("/usr/bin/python3"), Path("/bin/busybox"))
    found = marshal.loads(make.file(elsewhere).read_bytes())
    assert found["path"][0] == "/run/fusezap-vm/python"
    assert not any(str(CHECKOUT) in folder or sys.prefix in folder for folder in (*found["path"], *found["folders"]))
    _, file, code = found["modules"]["dataclasses"]
    assert file == str(there / "dataclasses.py")
    assert marshal.loads(code).co_names == ("of_that_root",)
    assert found["modules"]["fuse"][1] == "/run/fusezap-vm/python/fuse.py"
    assert found["modules"]["harness.judge.verdict"][1] == "/run/fusezap-vm/python/harness/judge/verdict.py"
    assert not {"prctl", "enum", "pathlib"} & set(found["modules"]), "it has them itself, or has none"
    assert make.file(root.own()) != make.file(elsewhere)


_GUEST = """\
import marshal, sys
from harness.vm.bundle import unbundle
bundle = marshal.loads(open(sys.argv[1], "rb").read())
unbundle.prepare(bundle)
import harness.vm.guest, harness.run.trial, fakefs.run
from fakefs.faults import FAULTS
from harness.model.records import Claim
found = {"ast", "dataclasses", "inspect"} & set(sys.modules)
# Since Python 3.14, typing.NamedTuple reads annotations by annotationlib, which imports ast.
generators = sorted(found - {"ast"} if "annotationlib" in sys.modules else found)
print(["hang" in FAULTS, repr(Claim(1, 2)), generators, sorted(sys.modules)])
"""


def test_the_guest_imports_all_out_of_it_and_nothing_that_generates_code(file: Path) -> None:
    faults, record, generators, modules = ast.literal_eval(python(_GUEST, str(file)))
    assert faults
    assert record == "Claim(tgid=1, connection=2, evidence='')"
    assert generators == [], "each of them costs an emulated guest more than a run's own modules"
    assert set(modules) & set(marshal.loads(file.read_bytes())["modules"]) > {"harness.vm.guest", "harness.run.trial"}
