"""The completion scripts: each shell reads its own, and bash completes with it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness import cli
from harness.commands import completion
from tests.conftest import require


def script(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.status(["completion", *words]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("program", completion.PROGRAMS)
@pytest.mark.parametrize("shell", completion.SHELLS)
def test_it_names_the_options(capsys: pytest.CaptureFixture[str], shell: str, program: str) -> None:
    text = script(capsys, shell, "--of", program)
    wanted = ("rule", "journal") if program == "fakefs" else ("diagnose", "patience", "exit-flush-self")
    assert all(word in text for word in wanted)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("fusezap", "di"), {"diagnose"}),
        (("fusezap", "run", "exit-flush-peer-o"), {"exit-flush-peer-outside"}),
        (("fusezap", "check", "--conf"), {"--confidence"}),
    ],
)
def test_bash_completes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[str, ...], wanted: set[str]
) -> None:
    require("bash")
    file = tmp_path / "completion"
    file.write_text(script(capsys, "bash"))
    ask = (
        f"source {file}; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; "
        'COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}; '
        "$(complete -p fusezap | sed 's/.*-F \\([^ ]*\\) .*/\\1/'); printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(["bash", "--norc", "-c", ask], capture_output=True, text=True, check=False)
    assert {line.strip() for line in done.stdout.split("\n") if line.strip()} == wanted, done.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_parse_it(capsys: pytest.CaptureFixture[str], tmp_path: Path, shell: str) -> None:
    require(shell)
    file = tmp_path / "completion"
    file.write_text(script(capsys, shell))
    done = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
