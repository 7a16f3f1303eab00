"""The bug report: a mail that a reader of mails understands."""

from __future__ import annotations

import email
import email.policy

import pytest

from harness import catalogue
from harness.repro.forms import c, mail
from harness.scenario import Scenario


@pytest.mark.parametrize("chosen", catalogue.catalogue().values(), ids=lambda each: each.name)
def test_it_has_the_program_inline(chosen: Scenario) -> None:
    (file,), (program,) = mail.files((chosen,)), c.files((chosen,))
    message = email.message_from_string(file.text, policy=email.policy.default)
    assert message.defects == []
    assert message["To"] == "linux-fsdevel@vger.kernel.org"
    assert message["Subject"].endswith(chosen.summary)
    body = message.get_content()
    assert program.text in body
    for line in chosen.measured:
        assert line in " ".join(body.split())
    assert max(len(line) for line in body[: body.index("-- >8 --")].splitlines()) <= 79, "as a reader of mails has it"
