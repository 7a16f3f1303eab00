"""`fusezap explain`: exit statuses, formats, what it refuses."""

from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from docs.tools.blocks.explained import DATA, cases
from harness import registry
from harness.cli import main
from harness.explain import formats
from harness.explain.explanation import explain
from harness.explain.formats.json import document
from harness.explain.read import read, summaries
from tests.schema import validate

SCHEMA = Path(formats.__file__).with_name("explanation.schema.json")


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["explain", *arguments])
    out, err = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, out, err


@pytest.mark.parametrize(("case", "status"), [("lxcfs-185", 0), ("moby-31007", 0), ("gean-430", 1), ("coreos-1341", 1)])
def test_the_status_says_whether_it_is_explained(capsys: pytest.CaptureFixture[str], case: str, status: int) -> None:
    code, out, _ = ran(capsys, str(DATA / f"{case}.txt"))
    assert code == status
    assert out.startswith(("likely: ", "possible: ", "unknown: "))


def test_a_text_that_holds_nothing_is_an_error_that_says_what_was_looked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "mail").write_text("Hello,\nsince yesterday nothing works. What can I do?\n")
    code, out, err = ran(capsys, str(tmp_path / "mail"))
    assert (code, out) == (2, "")
    assert "no task, stack or kernel message" in err
    assert all(each in err for each in summaries())


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_compressed_text_is_an_error_that_says_how_to_unpack_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "log").write_bytes(pack((DATA / "sysbox-1002.txt").read_bytes()))
    code, _, err = ran(capsys, str(tmp_path / "log"))
    assert code == 2
    assert "zcat" in err


@pytest.mark.parametrize(
    "encoded", [lambda text: text.encode("utf-16"), lambda text: text.replace("\n", "\r").encode()]
)
def test_other_encodings_and_ends_of_lines_are_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, encoded: Callable[[str], bytes]
) -> None:
    (tmp_path / "log").write_bytes(encoded((DATA / "sysbox-1002.txt").read_text()))
    code, out, _ = ran(capsys, "--json", str(tmp_path / "log"))
    assert code == 0
    assert json.loads(out)["kind"] == "fuse-lock"
    assert json.loads(out)["queues"][0]["task"]["comm"] == "runc:[1:CHILD]"


def test_a_missing_file_is_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = ran(capsys, str(tmp_path / "none"))
    assert code == 2
    assert "cannot be read" in err


@pytest.mark.parametrize("case", cases(), ids=lambda each: each.id)
def test_the_document_follows_its_schema(case: object) -> None:
    text = case.text  # type: ignore[attr-defined]
    paste = read(text)
    validate(document(explain(paste), paste), SCHEMA)


@pytest.mark.parametrize("form", registry.names(formats))
def test_no_format_prints_a_command_that_ends_anything(capsys: pytest.CaptureFixture[str], form: str) -> None:
    for case in cases():
        _, out, _ = ran(capsys, "--format", form, str(DATA / f"{case.id}.txt"))
        assert "/abort" not in out
        assert "umount -" not in out.replace("umount -l does not help", "").replace("(umount -f)", "")
        assert "kill -KILL" not in out
        assert "deadlock" not in out.lower()


def test_several_files_are_one_text(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, "--json", str(DATA / "lxcfs-185.txt"), str(DATA / "gofuse-261.txt"))
    assert code == 0
    assert len(json.loads(out)["blocks"]) == 2


def test_redact_replaces_what_names_a_machine(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = """\
[alice@web-7 ~]$ cat /proc/14378/stack
[<0>] request_wait_answer+0x12b/0x210 [fuse]
May 21 10:41:36 web-7.example.org kernel: nfs: server filer.example.org not responding, still trying
5 D root 14378 13862 0 80 0 - 269979 refrig Sep30 ? 00:00:00 /usr/local/bin/runc init
/srv/alice/secret-project/data 10.1.2.3 alice@example.org
container 3f4e8a9b1c2d3f4e8a9b1c2d3f4e8a9b1c2d3f4e8a9b1c2d3f4e8a9b1c2d3f4e
"""
    (tmp_path / "text").write_text(text)
    code, out, _ = ran(capsys, "--redact", str(tmp_path / "text"))
    assert code == 0
    for name in ("alice", "web-7", "filer", "example.org", "secret-project", "10.1.2.3", "3f4e8a9b1c2d"):
        assert name not in out
    for kept in (
        "request_wait_answer+0x12b/0x210 [fuse]",
        "/proc/14378/stack",
        "refrig",
        "/usr/local/bin/runc init",
        "May 21 10:41:36",
    ):
        assert kept in out
    assert explain(read(out)).kind == explain(read(text)).kind


def test_follow_explains_each_report_as_it_comes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    quiet = "".join(f"[{number}.000000] eth0: link is up\n" for number in range(30))
    first, second = ((DATA / f"{case}.txt").read_text() for case in ("sysbox-1002", "flatcar-847"))
    (tmp_path / "log").write_text(quiet + first + quiet + second + quiet)
    code, out, _ = ran(capsys, "--follow", str(tmp_path / "log"))
    assert code == 0
    assert [line for line in out.splitlines() if line.startswith(("likely", "possible", "unknown"))] == [
        "likely: fuse-lock",
        "likely: jbd2",
    ]


def test_follow_reads_the_records_of_dev_kmsg(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = (DATA / "lxcfs-185.txt").read_text()
    records = "".join(
        f"6,{number},{number}000,-;{line.partition('kernel: ')[2]}\n" for number, line in enumerate(text.splitlines())
    )
    (tmp_path / "kmsg").write_text(records)
    code, out, _ = ran(capsys, "--follow", str(tmp_path / "kmsg"))
    assert code == 0
    assert out.startswith("likely: fuse-request")


def test_follow_of_a_quiet_log_says_so_by_its_status(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "log").write_text("eth0: link is up\n" * 20)
    assert ran(capsys, "--follow", str(tmp_path / "log"))[0] == 1


def test_a_big_log_is_searched_and_its_report_found(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    quiet = b"".join(b"May 21 10:41:36 host1 app[12]: request %d served in 3 ms\n" % number for number in range(25_000))
    with open(tmp_path / "log", "wb") as log:
        log.write(quiet + (DATA / "sysbox-1002.txt").read_bytes() + quiet)
    code, out, _ = ran(capsys, "--json", str(tmp_path / "log"))
    found = json.loads(out)
    assert code == 0
    assert found["kind"] == "fuse-lock"
    assert found["read"]["lines"] >= 50_000
