"""JUnit XML by Jenkins' schema, as pytest's source distribution ships it."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from lxml import etree

from harness.report.formats.junit import render
from tests.unit.report.test_ktap import KINDS

XSD = "testing/example_scripts/junit-10.xsd"


@pytest.fixture(scope="session")
def schema(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    """Fetched once and kept in pytest's cache, where there is one: the wheel that is installed does not have it."""
    cache: pytest.Cache | None = getattr(request.config, "cache", None)
    file = (cache.mkdir("junit-xsd") if cache else tmp_path_factory.mktemp("junit-xsd")) / "junit-10.xsd"
    if not file.exists():
        _fetch(file)
    return etree.XMLSchema(etree.fromstring(file.read_bytes()))


def _fetch(file: Path) -> None:
    release = importlib.metadata.version("pytest")
    wanted = [f"pytest=={release}", "--no-deps", "--no-binary", ":all:"]
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(file.parent), *wanted]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    found = sorted(file.parent.glob("pytest-*.tar.gz"))
    if done.returncode != 0 or not found:
        pytest.skip(f"missing: the source distribution of pytest {release}: {done.stderr[-300:]}")
    with tarfile.open(found[-1]) as archive:
        member = archive.extractfile(f"{found[-1].name.removesuffix('.tar.gz')}/{XSD}")
        assert member is not None
        file.write_bytes(member.read())
    found[-1].unlink()


@pytest.mark.parametrize("kind", KINDS)
def test_it_fits_the_schema(kind: str, schema: etree.XMLSchema) -> None:
    schema.assertValid(etree.fromstring(render(KINDS[kind]).encode()))
