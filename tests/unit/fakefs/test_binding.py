"""The choice of the binding to libfuse, and the translation of options for libfuse 3."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fakefs import binding
from fakefs.errors import SetupError
from fakefs.libfuse3 import ASYNC_READ, CAPABILITIES, MAX_WRITE, Operations, Settings, translate
from fakefs.mount import mount_options


@pytest.mark.parametrize(("number", "version"), [(29, (2, 9)), (39, (3, 9)), (310, (3, 10)), (314, (3, 14))])
def test_a_version_number_is_split(number: int, version: tuple[int, int]) -> None:
    assert binding.split_version(number) == version


def test_a_foreign_module_of_that_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """fuse-python has a module `fuse` as well."""
    (tmp_path / "fuse.py").write_text("Fuse = object\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "fuse", raising=False)
    monkeypatch.setattr(binding, "find_library", lambda _kind, names: names[0])
    with pytest.raises(SetupError, match=r"fuse\.py is another package"):
        binding.load_kind(binding.KINDS["fusepy"])
    sys.modules.pop("fuse")


def test_the_error_names_every_binding_that_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(binding.VARIABLE, raising=False)
    monkeypatch.setenv(binding.LIBRARY, "libnone.so.2")
    with pytest.raises(SetupError) as caught:
        binding.load()
    assert [line.split()[0] for line in str(caught.value).splitlines()] == list(binding.KINDS)
    assert str(caught.value).count("libnone.so.2: cannot open shared object file") == 2


def test_the_default_options_for_libfuse_3() -> None:
    settings = translate(mount_options("name", {}), 14)
    assert settings.options == {
        "subtype": "fakefs",
        "use_ino": True,
        "attr_timeout": "0",
        "entry_timeout": "0",
        "fsname": "name",
        "max_idle_threads": "10",
        "max_threads": str(1 << 20),
    }
    assert settings.connection == {"max_background": 4096, "congestion_threshold": 4096, "max_write": MAX_WRITE}
    assert settings.capabilities == CAPABILITIES


def test_libfuse_before_3_12_has_no_limit_of_threads_and_no_option_for_it() -> None:
    assert "max_threads" not in translate({}, 11).options


def test_options_of_the_user_take_precedence() -> None:
    settings = translate(
        {"max_threads": "3", "max_write": "4096", "sync_read": True, "nonempty": True, "intr_signal": "10"}, 14
    )
    assert settings.options == {"max_threads": "3", "max_idle_threads": "10", "intr_signal": 10}
    assert settings.connection == {"max_write": 4096}
    assert settings.capabilities == CAPABILITIES & ~ASYNC_READ


@pytest.mark.parametrize(
    ("option", "value"),
    [("max_write", "x"), ("max_write", True), ("max_background", "-1"), ("max_background", "9" * 10), ("use_ino", "1")],
)
def test_a_value_that_libfuse_would_misread_is_refused(option: str, value: str | bool) -> None:
    with pytest.raises(SetupError, match=f"-o {option}"):
        translate({option: value}, 14)


def test_the_reply_to_init_asks_for_what_libfuse_2_asks_for() -> None:
    calls: list[tuple[object, ...]] = []
    operations = Operations(lambda *arguments: calls.append(arguments), ["init", "open"], translate({}, 14))
    connection = SimpleNamespace(want=0xFFFF_FFFF, max_write=1 << 20)
    operations.init_with_config(connection, None)
    assert connection.want == CAPABILITIES
    assert connection.max_write == MAX_WRITE
    assert calls == [("init", "/")]


def test_names_without_attributes_get_none_of_those_before_them() -> None:
    file = ("f", {"st_ino": 3, "st_mode": 0o100644}, 0)
    operations = Operations(lambda *_: [".", file, ".."], ["readdir"], Settings())
    assert [(name, attributes["st_ino"]) for name, attributes, _ in operations.readdir("/", 1)] == [
        (".", 0xFFFF_FFFF),
        ("f", 3),
        ("..", 0xFFFF_FFFF),
    ]
