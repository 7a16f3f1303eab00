"""Selftests: new in a folder, or merged with the tests that it has."""

from __future__ import annotations

from harness import catalogue
from harness.repro.forms import kselftest

SELF, HEALTHY = (catalogue.catalogue()[name] for name in ("exit-flush-self", "healthy"))
MAKEFILE = """\
# SPDX-License-Identifier: GPL-2.0

CFLAGS += -Wall -O2 -g $(KHDR_INCLUDES)

TEST_GEN_PROGS := fusectl_test
TEST_GEN_FILES := fuse_mnt

include ../../lib.mk

$(OUTPUT)/fuse_mnt: LDLIBS += -lfuse
"""
TARGETS = """\
# SPDX-License-Identifier: GPL-2.0
TARGETS += filesystems
TARGETS += filesystems/binderfs
TARGETS += filesystems/overlayfs
TARGETS_HOTPLUG = cpu-hotplug
"""


def by_name(there: dict[str, str]) -> dict[str, str]:
    return {file.name: file.text for file in kselftest.merged((SELF, HEALTHY), there)}


def test_a_folder_of_its_own() -> None:
    files = {file.name: file.text for file in kselftest.files((SELF, HEALTHY))}
    assert set(files) == {"exit_flush_self.c", "healthy.c", "Makefile", "config", ".gitignore"}
    assert '#include "../../kselftest_harness.h"' in files["exit_flush_self.c"]
    assert "TEST(exit_flush_self)" in files["exit_flush_self.c"]
    assert "int main(" not in files["exit_flush_self.c"]
    makefile = files["Makefile"]
    assert makefile.index("TEST_GEN_PROGS += healthy") < makefile.index("include ../../lib.mk")
    assert "CONFIG_FUSE_FS=m\n" in files["config"]


def test_a_folder_that_has_tests_keeps_them() -> None:
    config = "CONFIG_FUSE_FS=y\nCONFIG_NET=y\n"
    files = by_name({"Makefile": MAKEFILE, "config": config})
    for line in MAKEFILE.splitlines():
        assert line in files["Makefile"]
    assert files["Makefile"].index("TEST_GEN_PROGS := fusectl_test") < files["Makefile"].index("TEST_GEN_PROGS += ")
    assert files["config"].startswith(config)
    assert "CONFIG_FUSE_FS=m" not in files["config"]
    assert "CONFIG_PID_NS=y" in files["config"]


def test_nothing_is_added_twice() -> None:
    once = by_name({"Makefile": MAKEFILE})
    assert by_name({name: once[name] for name in kselftest.SHARED}) == once
    targets = kselftest.targets(TARGETS)
    assert kselftest.targets(targets) == targets


def test_the_folder_is_listed_in_its_place() -> None:
    lines = kselftest.targets(TARGETS).splitlines()
    assert lines[lines.index("TARGETS += filesystems/fuse") - 1] == "TARGETS += filesystems/binderfs"
    assert lines[lines.index("TARGETS += filesystems/fuse") + 1] == "TARGETS += filesystems/overlayfs"
