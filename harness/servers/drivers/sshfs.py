"""sshfs: the files of another machine over SFTP; here sshd on the loopback interface."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "another machine's files over SFTP; here sshd on the loopback interface"
NEEDS = (
    NeededProgram(("sshfs",), "sshfs"),
    NeededProgram(("sshd",), "openssh-server"),
    NeededProgram(("ssh-keygen",), "openssh-client"),
)
VERSION = "--version"
LIBRARY = ""


def service(places: Places) -> Service:
    """The way it is started."""
    work, key = places.work, f"{places.work}/key"
    options = f"StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null,IdentityFile={key},port={places.port}"
    return Service(
        serve=(places.tools["sshfs"], "-f", "-o", options, f"root@127.0.0.1:{places.data}", places.mount),
        file="file",
        scratch="scratch",
        prepare=(
            ("mkdir", "-p", "/run/sshd"),
            (places.tools["ssh-keygen"], "-q", "-t", "ed25519", "-N", "", "-f", key),
            ("cp", f"{key}.pub", f"{work}/authorized"),
        ),
        backend=(places.tools["sshd"], "-D", "-e", "-f", f"{work}/sshd_config"),
        files=(
            (
                f"{work}/sshd_config",
                f"Port {places.port}\nListenAddress 127.0.0.1\nHostKey {key}\nAuthorizedKeysFile {work}/authorized\n"
                f"StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n",
            ),
        ),
    )
