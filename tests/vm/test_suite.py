"""A suite of a user's own under another kernel: the guest sees its folder wherever it lies."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.vm.conftest import KERNEL, fusezap

SERVER = "import runpy\nrunpy.run_module('fakefs', run_name='__main__')\n"


def test_its_server_is_found_in_a_folder_that_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "closed" / "suite"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    command = f"{sys.executable} {{suite}}/_server.py {{mountpoint}} --file /held"
    (folder / "_server.py").write_text(SERVER)
    (folder / "suite.toml").write_text(
        f'[[case]]\nname = "mine"\nserver = "{command}"\nhold = "/held"\nrepeat = 2\n'
        '[[case]]\nscenario = "exit-flush-self"\n'
    )
    last = tmp_path / "last.json"
    done = fusezap("suite", str(folder), "--kernels", KERNEL, "--json", "--last", str(last))
    assert done.returncode == 1, done.stdout + done.stderr
    mine, defect = json.loads(done.stdout)["results"]
    assert (mine["status"], mine["outcomes"]["released"]["times"]) == ("pass", 2)
    assert (defect["status"], list(defect["outcomes"])) == ("fail", ["deadlock"])
    assert {each["kernel"] for each in (mine, defect)} == {KERNEL}
    assert mine["release"].startswith("6.1.")
