"""The page of a diagnosis: nothing that a machine calls itself becomes markup."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from harness.diagnosis.formats import html
from harness.diagnosis.records import Container
from harness.record import replace
from tests.unit.diagnosis.test_findings import DIAGNOSIS
from tests.unit.report.test_html import EVIL, SHOWN, Page

FOREIGN = {
    "comm", "command", "effect", "evidence", "fsname", "id", "image", "label", "name", "path", "pod", "point",
    "reasons", "release", "runtime", "stack", "title", "unseen", "waits_for", "wchan", "why", "blind",
}  # fmt: skip
"""Fields whose text a machine or its programs choose, at least in part."""


def hostile(value: Any) -> Any:
    """The record with each foreign text replaced; ids of findings and of nodes stay, because they are ours."""
    if isinstance(value, tuple):
        return tuple(map(hostile, value))
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    ours = {"Node", "Finding"}
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        found = getattr(value, field.name)
        foreign = field.name in FOREIGN and not (field.name == "id" and type(value).__name__ in ours)
        if foreign and type(found) is str:
            changes[field.name] = EVIL
        elif foreign and isinstance(found, tuple):
            changes[field.name] = tuple(EVIL if type(each) is str else hostile(each) for each in found)
        else:
            changes[field.name] = hostile(found)
    return replace(value, **changes)


def test_every_foreign_text_is_escaped() -> None:
    container = Container("docker", "a" * 64, "its control group", "web", "image:1", "shop/db")
    diagnosis = hostile(
        replace(DIAGNOSIS, findings=tuple(replace(each, container=container) for each in DIAGNOSIS.findings))
    )
    text = html.render(diagnosis)
    page = Page(text)
    assert len(page.all("script")) == 1
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.encode()
    assert page.text.count(SHOWN) > 20
    assert "&amp;lt;" not in text


def test_the_summary_leads_to_each_finding() -> None:
    page = Page(html.render(DIAGNOSIS))
    ids = Counter(page.values("id"))
    assert set(ids.values()) == {1}
    assert {value[1:] for value in page.values("href") if value.startswith("#")} <= set(ids)
    assert {f"finding-{each.id}" for each in DIAGNOSIS.findings} <= set(ids)


def test_nothing_stuck_is_a_page_too() -> None:
    assert "Nothing is stuck" in Page(html.render(replace(DIAGNOSIS, findings=()))).text
