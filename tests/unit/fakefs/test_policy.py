"""Rules: matching, the errors of a policy, and the way from text to a rule and back."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakefs.calls import CALLERLESS, OPERATIONS, SESSION, Call
from fakefs.errors import PolicyError
from fakefs.faults import FAULTS
from fakefs.ledger import Ledger
from fakefs.parse import assemble, parse_spec, read_specs, read_toml
from fakefs.policy import ANY, Policy, Rule, When, check_rule


@dataclass(frozen=True, slots=True)
class Somebody:
    """A caller whose name and namespace are known."""

    tid: int = 7
    comm: str | None = "cat"
    pid_ns: int | None = 4026531836


def problems(*specs: str) -> tuple[str, ...]:
    with pytest.raises(PolicyError) as caught:
        assemble(read_specs(specs, "--rule"))
    return caught.value.problems


@pytest.mark.parametrize(
    ("spec", "rule"),
    [
        ("flush:hang", Rule(frozenset({"flush"}), "hang")),
        ("any:noop", Rule(ANY, "noop")),
        (
            "open@/data/*:errno=EIO,nth=3,times=2,when=after",
            Rule(frozenset({"open"}), "errno", 5, "/data/*", nth=3, times=2, when=When.AFTER),
        ),
        ("read+write:delay=1.5", Rule(frozenset({"read", "write"}), "delay", 1.5)),
        ("open:errno=17", Rule(frozenset({"open"}), "errno", 17)),
        (r"open@/a\:b:hang", Rule(frozenset({"open"}), "hang", path="/a:b")),
        (r"open@/a@b,c:hang", Rule(frozenset({"open"}), "hang", path="/a@b,c")),
        (r"open:die,comm=a\,b=c", Rule(frozenset({"open"}), "die", comm="a,b=c")),
        ("open:hang,tid=12,pid_ns=4026531836", Rule(frozenset({"open"}), "hang", tid=12, pid_ns=4026531836)),
    ],
)
def test_a_spec_is_read(spec: str, rule: Rule) -> None:
    assert parse_spec(spec) == rule
    assert parse_spec(rule.spec()) == rule


def test_any_does_not_include_the_start_and_the_end_of_the_session() -> None:
    assert parse_spec("any:hang").operations == frozenset(OPERATIONS) - SESSION
    assert parse_spec("any+init:hang").operations == ANY | {"init"}


text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
globs = st.one_of(st.just("*"), text.map(lambda rest: "/" + rest), text.map(lambda rest: "*" + rest))
faults = st.one_of(
    st.tuples(st.sampled_from(["hang", "die", "noop"]), st.none()),
    st.tuples(st.just("delay"), st.floats(min_value=1e-9, max_value=1e9)),
    st.tuples(st.just("errno"), st.integers(1, 511)),
)
positive = st.integers(1, 1 << 32)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    fault, argument = draw(faults)
    return Rule(
        operations=draw(st.one_of(st.just(ANY), st.frozensets(st.sampled_from(sorted(OPERATIONS)), min_size=1))),
        fault=fault,
        argument=argument,
        path=draw(globs),
        tid=draw(st.none() | positive),
        comm=draw(st.none() | text),
        pid_ns=draw(st.none() | positive),
        nth=draw(positive),
        times=draw(st.none() | positive),
        when=draw(st.sampled_from(When)),
    )


@given(rules().filter(lambda rule: not list(check_rule(rule))))
@pytest.mark.slow
def test_every_correct_rule_can_be_parsed_from_its_spec(rule: Rule) -> None:
    assert parse_spec(rule.spec()) == rule


@given(st.text())
def test_any_text_is_a_rule_or_a_policy_error(spec: str) -> None:
    try:
        rule = parse_spec(spec)
    except PolicyError:
        return
    assert parse_spec(rule.spec()) == rule


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("flsh:hang", "operations: unknown operation 'flsh'; did you mean 'flush'"),
        ("flush:hagn", "fault: unknown fault 'hagn'; did you mean 'hang'?"),
        ("flush:errno=EIOO", "argument: unknown errno 'EIOO'; did you mean 'EIO'"),
        ("flush:errno=0", "argument: '0': an errno is between 1 and 511"),
        ("flush:errno=512", "argument: '512'"),
        ("flush:errno=-5", "argument: unknown errno '-5'"),
        ("flush:errno", "argument: errno needs an argument: errno=ERRNO"),
        ("flush:delay", "argument: delay needs an argument: delay=SECONDS"),
        ("flush:delay=-1", "argument: '-1': seconds have to be more than 0"),
        ("flush:delay=0", "argument: '0': seconds have to be more than 0"),
        ("flush:delay=nan", "argument: 'nan'"),
        ("flush:delay=soon", "argument: 'soon' is no number of seconds"),
        ("flush:hang=3", "argument: hang takes no argument"),
        ("flush:hang,tmes=3", "tmes: unknown key; did you mean 'times'?"),
        ("flush:hang,times=0", "times: 0 is less than 1: the rule would never fire"),
        ("flush:hang,times=-1", "times: -1 is less than 1"),
        ("flush:hang,nth=0", "nth: 0 is less than 1"),
        ("flush:hang,nth=x", "nth: 'x' is not a whole number"),
        ("flush:hang,nth=1,nth=2", "nth: is given twice"),
        ("flush:hang,nth", "nth: 'nth' is not KEY=VALUE"),
        ("flush:hang,tid=0", "tid: 0 is less than 1"),
        ("flush:hang,when=later", "when: 'later' is neither 'before' nor 'after'"),
        ("flush:hang,comm=", "comm: an empty name matches nothing"),
        ("flush:hang,comm=longer-than-the-kernel-keeps", "comm: 'longer-than-the-kernel-keeps' matches nothing"),
        ("flush@data/*:hang", "path: 'data/*' matches nothing: a path begins with '/', so perhaps '/data/*'"),
        ("flush@/data/:hang", "path: '/data/' matches nothing: a path does not end with '/'"),
        ("flush@:hang", "path: '' matches nothing"),
        (":hang", "operations: names no operation"),
        ("flush", "fault: 'flush' has no fault"),
        ("flush:", "fault: is missing"),
        ("", "fault: '' has no fault"),
        ("write:noop,when=after", "when: noop replaces the real operation"),
        ("init:errno=EIO", "operations: 'init' cannot answer with an error"),
        ("init:noop", "operations: without the real operation of 'init', the server would never be ready"),
        ("release+releasedir:hang,tid=3", "tid: never matches: the kernel sends release+releasedir without a caller"),
    ],
)
def test_a_bad_spec_is_refused_with_its_place_and_key(spec: str, words: str) -> None:
    assert any(problem.startswith(f"--rule #1: {words}") for problem in problems(spec)), problems(spec)


def test_all_problems_are_reported_at_once() -> None:
    found = problems("flsh:hagn,tmes=1,nth=-1", "open:hang", "read:delay", "write:hang,times=0")
    assert [problem.split(":")[:2] for problem in found] == [
        ["--rule #1", " tmes"],
        ["--rule #1", " operations"],
        ["--rule #1", " fault"],
        ["--rule #1", " nth"],
        ["--rule #3", " argument"],
        ["--rule #4", " times"],
    ]


@pytest.mark.parametrize(
    "specs",
    [
        ("flush:hang", "flush:errno=EIO"),
        ("any:hang", "flush@/a:errno=EIO"),
        ("open@/d/*:hang", "open@/d/x:die"),
        ("open:hang", "read:hang", "open+read:die"),
        ("open:hang,comm=c*", "open:die,comm=cat"),
        ("open:hang,comm=cat", "open:die,comm=cat,tid=3"),
        ("open:hang,pid_ns=5", "open:die,pid_ns=5"),
        ("open:hang,when=after", "open:die"),
    ],
)
def test_a_rule_that_can_never_fire_is_refused(specs: tuple[str, ...]) -> None:
    (found,) = problems(*specs)
    assert found.startswith(f"--rule #{len(specs)}: operations: never fires: --rule #1")


@pytest.mark.parametrize(
    "specs",
    [
        ("flush:hang,times=1", "flush:errno=EIO"),
        ("flush:hang,nth=2", "flush:errno=EIO"),
        ("open@/d/*:hang", "open@/*:die"),
        ("open:hang,tid=3", "open:die"),
        ("open:hang,comm=cat", "open:die,comm=c*"),
        ("open:hang", "open+read:die"),
        ("any:hang", "init:hang"),
    ],
)
def test_a_rule_that_can_fire_is_accepted(specs: tuple[str, ...]) -> None:
    assert len(assemble(read_specs(specs, "--rule")).rules) == len(specs)


def test_rules_made_in_python_get_the_same_checks() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy((Rule(frozenset({"flush"}), "errno"), Rule(frozenset({"opn"}), "hang", times=0)))
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["rule 1", "rule 2", "rule 2"]


TOML = """\
# The third open of a file in /data fails.
[[rule]]
operations = ["open", "create"]
path = "/data/*"
fault = "errno"
argument = "EIO"
nth = 3

[[rule]]
operations = "any"
fault = "delay"
argument = 0.25
when = "after"
comm = "git*"
"""


def test_toml_gives_the_same_rules_as_specs() -> None:
    specs = ("open+create@/data/*:errno=EIO,nth=3", "any:delay=0.25,comm=git*,when=after")
    assert assemble(read_toml(TOML, "p.toml")) == assemble(read_specs(specs, "--rule"))


def test_toml_problems_have_the_line_of_their_key() -> None:
    bad = TOML.replace('"EIO"', '"EI"').replace('"any"', '["any", 3]').replace("nth = 3", "nht = 3")
    with pytest.raises(PolicyError) as caught:
        assemble(read_toml(bad, "p.toml"))
    assert [problem.split(": ")[0:2] for problem in caught.value.problems] == [
        ["p.toml:7", "nht"],
        ["p.toml:6", "argument"],
        ["p.toml:10", "operations"],
    ]


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("rule = 3", "p.toml: rule: is not a list of tables"),
        ("[[rules]]", "p.toml: rules: unknown key; did you mean 'rule'?"),
        ("x", "p.toml: "),
        ("[[rule]]\nfault = 3\noperations = 4", "p.toml:2: fault: 3 is not text"),
        ("[[rule]]\nfault = 'hang'\noperations = 'open'\nnth = 1.5", "p.toml:4: nth: 1.5 is not a whole number"),
        ("[[rule]]\nfault = 'hang'\noperations = 'open'\nnth = true", "p.toml:4: nth: True is not a whole number"),
        ("[[rule]]\nfault = 'delay'\noperations = 'open'\nargument = true", "p.toml:4: argument: True is neither"),
        ("rule = [{fault = 'hagn', operations = 'open'}]", "p.toml: rule 1: fault: unknown fault 'hagn'"),
    ],
)
def test_bad_toml(toml: str, words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        assemble(read_toml(toml, "p.toml"))
    assert any(problem.startswith(words) for problem in caught.value.problems), caught.value.problems


def test_a_shadow_between_toml_and_command_line_names_both_places() -> None:
    with pytest.raises(PolicyError) as caught:
        assemble([*read_specs(["any:hang"], "--rule"), *read_toml(TOML, "p.toml")])
    assert caught.value.problems == (
        "p.toml:2: operations: never fires: --rule #1 always fires before it",
        "p.toml:9: operations: never fires: --rule #1 always fires before it",
    )


@pytest.mark.parametrize(
    ("spec", "call", "fits"),
    [
        ("open:hang", Call("open", "/f"), True),
        ("open:hang", Call("read", "/f"), False),
        ("open@/d/*:hang", Call("open", "/d/x/y"), True),
        ("open@/d/*:hang", Call("open", "/D/x"), False),
        ("flush:hang", Call("flush", None), True),
        ("flush@/f:hang", Call("flush", None), False),
        ("rename@/new:hang", Call("rename", "/old", other="/new"), True),
        ("rename@/old:hang", Call("rename", "/old", other="/new"), True),
        ("open:hang,tid=7", Call("open", "/f", Somebody()), True),
        ("open:hang,tid=8", Call("open", "/f", Somebody()), False),
        ("any:hang,tid=7", Call("release", "/f"), False),
        ("open:hang,comm=c?t", Call("open", "/f", Somebody()), True),
        ("open:hang,comm=c?t", Call("open", "/f", Somebody(comm=None)), False),
        ("open:hang,pid_ns=4026531836", Call("open", "/f", Somebody()), True),
        ("open:hang,pid_ns=4026531837", Call("open", "/f", Somebody()), False),
        ("open:hang,pid_ns=4026531836", Call("open", "/f", Somebody(pid_ns=None)), False),
    ],
)
def test_what_a_rule_matches(spec: str, call: Call, fits: bool) -> None:
    assert parse_spec(spec).matches(call) is fits


class Unreadable:
    """A caller of which only the number may be read."""

    tid = 7

    @property
    def comm(self) -> str | None:
        raise AssertionError("read /proc without need")

    @property
    def pid_ns(self) -> int | None:
        raise AssertionError("read /proc without need")


def test_the_caller_is_read_only_if_a_rule_needs_it() -> None:
    for spec in ("open:hang", "open:hang,tid=8,comm=x", "open@/other:hang,comm=x", "read:hang,pid_ns=5"):
        parse_spec(spec).matches(Call("open", "/f", Unreadable()))


def fired(ledger: Ledger, calls: list[Call]) -> list[int | None]:
    choices = [ledger.choose(call) for call in calls]
    return [choice.index if choice else None for choice in choices]


def ledger(*specs: str) -> Ledger:
    return Ledger(assemble(read_specs(specs, "rule")))


def test_nth_and_times() -> None:
    assert fired(ledger("open:hang,nth=3,times=2"), [Call("open", "/f")] * 6) == [None, None, 0, 0, None, None]


def test_the_first_rule_that_fires_applies_and_later_ones_do_not_count() -> None:
    book = ledger("open@/a:hang,times=1", "open:errno=EIO,nth=2", "any:noop")
    calls = [Call("open", "/a"), Call("open", "/a"), Call("open", "/b"), Call("read", "/b")]
    assert fired(book, calls) == [0, 2, 1, 2]
    assert [(one.matched, one.fired) for one in book.counts()] == [(2, 1), (2, 1), (2, 2)]
    assert book.totals() == {"open": 3, "read": 1}


def test_replaced_rules_start_at_zero() -> None:
    book = ledger("open:hang,times=1")
    assert fired(book, [Call("open", "/f")] * 2) == [0, None]
    book.replace(assemble(read_specs(["open:die,times=1"], "rule")))
    assert fired(book, [Call("open", "/f")] * 2) == [0, None]
    assert book.totals() == {"open": 4}


def test_every_fault_is_reachable_by_text() -> None:
    arguments = {"delay": "=1", "errno": "=EIO", "nest": "=/other"}
    assert {parse_spec(f"open:{name}{arguments.get(name, '')}").fault for name in FAULTS} == set(FAULTS)


def test_callerless_operations_exist() -> None:
    assert OPERATIONS.keys() >= CALLERLESS
