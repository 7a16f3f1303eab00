"""Policies of fakefs: every text becomes either a policy or a short PolicyError, within a second."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fakefs.errors import PolicyError
from fakefs.faults import FAULTS
from fakefs.parse import MAX_POLICY, MAX_PROBLEMS, assemble, parse_spec, read_specs, read_toml
from fakefs.policy import MAX_RULES, Policy

#: Pieces of which a text is made that comes closer to a policy than random characters do.
WORDS = st.sampled_from(
    [
        *("[[rule]]", "[rule]", "rule", "operations", "path", "fault", "argument", "nth", "times", "when", "tid"),
        *(" = ", "=", "\n", ".", ",", ":", "@", "+", "\\", '"', "'''", "[", "]", "{", "}", "#", "*", "?", "[!", "]"),
        *("any", "open", "flush", "destroy", "after", "before", "EIO", "0", "1", "-1", "1e999", "nan", "0x1F", "true"),
        *("9" * 5000, "0x" + "f" * 5000, "1979-05-27T07:32:00Z", "\0", "\udcff", "\x1b[2J", "\u202e", "\u0660", "é"),
        *FAULTS,
    ]
)
TEXTS = st.one_of(st.text(), st.lists(WORDS, max_size=40).map("".join))


def policy_or_problems(read: object) -> Policy | tuple[str, ...]:
    try:
        return read()  # type: ignore[no-any-return,operator]
    except PolicyError as error:
        problems = error.problems
    assert problems
    assert all(len(problem) < 1000 for problem in problems)
    return problems


@given(st.lists(TEXTS, max_size=4))
@example(["open:" + "hang," * 4000])
@example(["any@" + "*a" * 8000 + ":hang"])
@example(["x+" * 8000 + ":hang"])
@example(["open:errno=" + "9" * 5000])
@example(["open:hang,nth=" + "9" * 19])
def test_specs(specs: list[str]) -> None:
    found = policy_or_problems(lambda: assemble(read_specs(specs, "--rule")))
    if isinstance(found, Policy):
        assert [parse_spec(rule.spec()) for rule in found.rules] == list(found.rules)


@given(TEXTS)
@example("a = " + "[" * 5000)
@example("a = " + "{b=" * 5000)
@example("[[rule]]\npath" + ".a" * 4000 + " = 1")
@example("[[rule]]\npath = " + "[" * 300 + "]" * 300)
@example("[[rule]]\nnth = " + "9" * 5000)
@example("[[rule]]\nnth = 0x" + "f" * 5000)
@example("[[rule]]\nargument = 0x" + "f" * 5000 + '\nfault = "delay"')
@example("[[rule]]\nargument = inf\nfault = 'delay'")
@example("rule = 1979-05-27")
def test_toml(text: str) -> None:
    policy_or_problems(lambda: assemble(read_toml(text, "policy")))


LARGE = {
    "one long key": "a" + ".a" * (MAX_POLICY // 2 - 10) + "=1",
    "long quoted keys": "\n".join(f'"a".{number}' + """."a".'a'""" * 2000 + "=1" for number in range(4)),
    "words": "a" * (MAX_POLICY - 10),
    "many words": "a-a " * (MAX_POLICY // 4),
    "dots": "a." * 62 + "\n" + "a.=" * (MAX_POLICY // 4),
    "keys of 60 parts": "\n".join("a" + f".b{number}" + ".a" * 60 + "=1" for number in range(MAX_POLICY // 140)),
    "long keys": "\n".join("a" + f".{number}" + ".a" * 4000 + "=1" for number in range(8)),
    "unknown keys": "\n".join(f"opns{number}=1" for number in range(MAX_POLICY // 11)),
    "unknown operations": "\n".join(
        '[[rule]]\noperations="' + "+".join(f"op{n}" for n in range(20)) + '"' for _ in range(600)
    ),
    "rules": "[[rule]]\nfault='hang'\noperations='open'\nnth=2\n" * (MAX_POLICY // 46),
    "most rules": "[[rule]]\nfault='hang'\noperations='any'\nnth=2\n" * MAX_RULES,
    "rules with globs": "\n".join(
        f"[[rule]]\nfault='hang'\noperations='open'\npath='/{n}*?[a-{n}]*'" for n in range(MAX_RULES)
    ),
    "tables": "[[rule]]\n" * (MAX_POLICY // 9),
    "depth": "a=" + "[" * (8 * 1024 - 10),
    "open strings": "a='''" + "\n'" * (MAX_POLICY // 2 - 10),
    "comments": "#\n" * (MAX_POLICY // 2),
    "too large": "#" * (MAX_POLICY + 1),
}


@pytest.mark.parametrize("what", LARGE)
def test_the_largest_texts_take_no_second(what: str) -> None:
    """The time of this process, so that what else runs on the machine does not count."""
    begin = time.process_time()
    found = policy_or_problems(lambda: assemble(read_toml(LARGE[what], "policy")))
    assert time.process_time() - begin < 1.0
    if not isinstance(found, Policy):
        assert len(found) <= MAX_PROBLEMS + 50


def test_the_largest_specs_take_no_second() -> None:
    specs = [f"open@/{'*a' * 2000}{number}:hang,nth=2" for number in range(MAX_RULES)]
    begin = time.process_time()
    assert isinstance(policy_or_problems(lambda: assemble(read_specs(specs, "--rule"))), Policy)
    assert time.process_time() - begin < 1.0


def test_one_rule_too_many_is_refused() -> None:
    found = policy_or_problems(lambda: assemble(read_specs(["open:hang,nth=2"] * (MAX_RULES + 1), "--rule")))
    assert found == (f"{MAX_RULES + 1} rules: a policy has at most {MAX_RULES}",)
