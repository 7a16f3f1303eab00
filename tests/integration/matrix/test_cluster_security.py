"""A cluster with TLS: the settings of dask hold for the client, and a stranger without the certificate gets nowhere."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import LocalCluster
from distributed.security import Security

from harness.errors import MachineError
from harness.matrix import cluster
from tests.conftest import require


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that signs itself, with its key in one file."""
    require("openssl")
    file = tmp_path_factory.mktemp("tls") / "it.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(
        [*argv, "-subj", "/CN=fusezap", "-days", "2", "-keyout", file, "-out", f"{file}.crt"],
        check=True,
        capture_output=True,
    )
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


@contextmanager
def started(certificate: Path) -> Iterator[str]:
    """The address of a cluster that talks to owners of the certificate alone."""
    names = ("ca_file", "scheduler_cert", "worker_cert", "client_cert")
    files: dict[str, Any] = {f"tls_{name}": str(certificate) for name in names}
    security = Security(require_encryption=True, **files)  # type: ignore[no-untyped-call]
    options: dict[str, Any] = {"processes": False, "dashboard_address": None, "protocol": "tls"}
    with LocalCluster(n_workers=1, threads_per_worker=1, security=security, **options) as made:  # type: ignore[no-untyped-call]
        yield made.scheduler_address


def test_the_settings_of_dask_are_passed_on(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE_S", 10)
    tls = {f"distributed.comm.tls.{name}": str(certificate) for name in ("ca-file", "client.cert")}
    with started(certificate) as address:
        assert address.startswith("tls://")
        with (
            dask.config.set(tls),
            cluster._connected(address) as client,
        ):
            assert client.submit(sum, (1, 2)).result() == 3
        monkeypatch.setattr(cluster, "PATIENCE_S", 1)
        for stranger in (address, address.replace("tls://", "tcp://")):
            with pytest.raises(MachineError, match="no cluster"), cluster._connected(stranger):
                pass


def test_a_client_that_must_encrypt_talks_to_none_that_does_not() -> None:
    with (
        dask.config.set({"distributed.comm.require-encryption": True}),
        pytest.raises(MachineError, match="encryption"),
        cluster._connected("tcp://127.0.0.1:9"),
    ):
        pass
