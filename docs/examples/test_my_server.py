"""Can my FUSE server cause the hang, and do programs cope with a disk that fails?"""

import sys

import pytest

from fusezap import Outcome

SERVER = f"{sys.executable} -m fakefs {{mountpoint}} --file /held --file /other"


@pytest.mark.parametrize("path", ["/held", "/other"])
def test_a_killed_container_goes_away(hang, path):
    container = hang(server=SERVER, hold=path)
    container.kill()
    assert container.verdict().outcome is Outcome.RELEASED


def test_a_program_copes_with_an_error_of_the_disk(misbehaving_fs):
    fs = misbehaving_fs(rules=["open@/data:errno=EIO,times=1"], files={"/data": "hello"})
    with pytest.raises(OSError, match="Input/output error"):
        (fs.path / "data").read_text()
    assert (fs.path / "data").read_text() == "hello"
