"""Parses rules: specs (from the command line and the control socket) and TOML. Pure; reports all errors at once.

A TOML policy is a list of `[[rule]]` tables with the keys of a spec:

    [[rule]]
    operations = ["open", "create"]     # or "open+create", or "any"
    path = "/data/*"
    fault = "errno"
    argument = "EIO"
    nth = 3
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fakefs.errors import PolicyError
from fakefs.fault import Argument
from fakefs.faults import FAULTS
from fakefs.names import nearest
from fakefs.policy import ANY, MAX_LISTED, MAX_RULES, Policy, Problem, Rule, When, check_rule, order_problems, too_many
from fakefs.record import record
from fakefs.text import shown, visible

KEYS = ("tid", "comm", "pid_ns", "nth", "times", "when")
TOML_KEYS = ("operations", "path", "fault", "argument", *KEYS)
#: Largest policy file, in bytes.
MAX_POLICY = 64 * 1024

#: A key with many dots: tomllib takes quadratic time for it. No key of a policy has dots.
_DOTTED_KEY = re.compile(r"""(?<![\w"'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){64}""", re.ASCII)

#: Longest spec, in characters.
MAX_SPEC = 16 * 1024

#: Most names in a list of operations, and the part of an unknown key that an error shows, in characters.
MAX_NAMES, MAX_KEY = 1000, 40

#: A policy with more problems than this is not checked to its end.
MAX_PROBLEMS = 100

NUMBERS = frozenset({"tid", "pid_ns", "nth", "times"})


@record(frozen=True, slots=True)
class Written:
    """A rule as it was written: its place, its keys, and more exact places of keys where they are known."""

    place: str
    values: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()
    places: Mapping[str, str] | None = None

    def where(self, key: str) -> str:
        return (self.places or {}).get(key, self.place)


def split(text: str, separator: str, limit: int = -1) -> list[str]:
    """Split at each separator that has no backslash before it. Backslashes stay in the parts.

    Args:
        text: The text.
        separator: One character.
        limit: The largest number of splits; negative for any number.
    """
    parts, current, skip = [], "", False
    for one in text:
        if one == separator and not skip and limit != 0:
            parts.append(current)
            current, limit = "", limit - 1
            continue
        skip = one == "\\" and not skip
        current += one
    return [*parts, current]


def unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def read_spec(text: str, place: str) -> Written:
    """Split a spec into its keys, whose values stay text. `place` is where it was written, for errors."""
    if len(text) > MAX_SPEC:
        return Written(place, {}, (Problem("fault", f"the rule is longer than {MAX_SPEC} characters"),))
    head, *rest = split(text, ":", 1)
    operations, at, glob = head.partition("@")
    values: dict[str, Any] = {"operations": operations}
    problems: list[Problem] = []
    if at:
        values["path"] = unescape(glob)
    if not rest:
        problems.append(
            Problem("fault", f"{shown(text)} has no fault: OPERATIONS[@GLOB]:FAULT[=ARGUMENT][,KEY=VALUE...]")
        )
        return Written(place, values, tuple(problems))
    first, *settings = split(rest[0], ",")
    fault, equals, argument = first.partition("=")
    values["fault"] = unescape(fault)
    if equals:
        values["argument"] = unescape(argument)
    if len(settings) > MAX_LISTED:
        return Written(place, values, (Problem("key", f"has more than {MAX_LISTED} settings"),))
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            problems.append(Problem(visible(key[:MAX_KEY]) or "key", f"{shown(setting)} is not KEY=VALUE"))
        elif key not in KEYS:
            problems.append(Problem(visible(key[:MAX_KEY]), f"unknown key{nearest(key, KEYS)}"))
        elif key in values:
            problems.append(Problem(key, "is given twice"))
        else:
            values[key] = unescape(value)
    return Written(place, values, tuple(problems))


def number_of(value: object, key: str, problems: list[Problem]) -> int:
    """An integer, from TOML or from text. `check_rule` checks its range."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,19}", value, flags=re.ASCII):
        return int(value)
    problems.append(Problem(key, f"{shown(value)} is not a whole number"))
    return 1


def operations_of(value: object, problems: list[Problem]) -> frozenset[str]:
    names = value.split("+") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        problems.append(Problem("operations", f"{shown(value)} is neither a name nor a list of names"))
        return ANY
    if len(names) > MAX_NAMES:
        problems.append(Problem("operations", f"has more than {MAX_NAMES} names"))
        return ANY
    if value == "":
        return frozenset()
    return frozenset().union(*(ANY if name == "any" else {name} for name in names))


def argument_of(fault: str, value: object, problems: list[Problem]) -> Argument:
    """The value of a fault's argument. `check_rule` reports an unknown fault, and one that takes no argument."""
    known = FAULTS.get(fault)
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        problems.append(Problem("argument", f"{shown(value)} is neither text nor a number"))
    elif known is None:
        return None
    elif known.parse is None:
        problems.append(Problem("argument", f"{fault} takes no argument"))
    else:
        try:
            return known.parse(str(value))
        except ValueError as error:
            problems.append(Problem("argument", str(error)))
    return None


def text_of(value: object, key: str, problems: list[Problem]) -> str:
    if isinstance(value, str):
        return value
    problems.append(Problem(key, f"{shown(value)} is not text"))
    return "*"


def read_when(value: object, problems: list[Problem]) -> When:
    choices = {one.value: one for one in When}
    if isinstance(value, str) and value in choices:
        return choices[value]
    hint = nearest(value, choices) if isinstance(value, str) else ""
    problems.append(Problem("when", f"{shown(value)} is neither 'before' nor 'after'{hint}"))
    return When.BEFORE


def rule_of(written: Written) -> tuple[Rule, tuple[Problem, ...]]:
    """Parse a rule.

    Returns:
        The rule, with neutral values for keys that are wrong, and all problems.
    """
    values, problems = written.values, list(written.problems)
    operations = operations_of(values.get("operations", ""), problems)
    fault = text_of(values["fault"], "fault", problems) if "fault" in values else ""
    if not fault and not any(problem.key == "fault" for problem in problems):
        problems.append(Problem("fault", f"is missing; there are {', '.join(FAULTS)}"))
    argument = argument_of(fault, values["argument"], problems) if "argument" in values else None
    numbers = {key: number_of(values[key], key, problems) for key in sorted(NUMBERS & values.keys())}
    texts = {key: text_of(values[key], key, problems) for key in ("path", "comm") if key in values}
    when = read_when(values["when"], problems) if "when" in values else When.BEFORE
    rule = Rule(
        operations=operations,
        fault=fault,
        argument=argument,
        path=texts.get("path", "*"),
        tid=numbers.get("tid"),
        comm=texts.get("comm"),
        pid_ns=numbers.get("pid_ns"),
        nth=numbers.get("nth", 1),
        times=numbers.get("times"),
        when=when,
    )
    known = {problem.key for problem in problems}
    problems += [problem for problem in check_rule(rule) if problem.key not in known]
    return rule, tuple(problems)


def assemble(writings: Sequence[Written]) -> Policy:
    """The policy of these rules in this order.

    Raises:
        PolicyError: A rule is wrong, or can never fire; the exception has the problems of all rules.
    """
    if len(writings) > MAX_RULES:
        raise PolicyError((too_many(len(writings)),))
    found: list[str] = []
    sound: list[tuple[Rule, str]] = []
    for written in writings:
        rule, problems = rule_of(written)
        found += [f"{written.where(problem.key)}: {problem.key}: {problem.message}" for problem in problems]
        if len(found) > MAX_PROBLEMS:
            found.append(f"{written.place}: the rules after this one were not checked: too many problems")
            raise PolicyError(tuple(found))
        if not problems:
            sound.append((rule, written.place))
    rules, places = tuple(rule for rule, _ in sound), tuple(place for _, place in sound)
    found += order_problems(rules, places)
    if found:
        raise PolicyError(tuple(found))
    return Policy(rules)


def parse_spec(text: str) -> Rule:
    """Parse one spec.

    Raises:
        PolicyError: The spec is wrong; the exception has all problems.
    """
    return assemble([read_spec(text, repr(text))]).rules[0]


def read_specs(specs: Sequence[str], source: str) -> list[Written]:
    """Split specs into their keys. Their places are '<source> #1', '<source> #2', ..."""
    return [read_spec(text, f"{source} #{number}") for number, text in enumerate(specs, start=1)]


def table_lines(text: str) -> list[tuple[int, dict[str, int]]]:
    """For each `[[rule]]` header of a TOML text: its line number, and the line numbers of the keys below it.

    tomllib gives no line numbers. A header inside a multi-line string counts as well; `read_toml` notices that by the
    number of tables, and then names each rule by its number only.
    """
    tables: list[tuple[int, dict[str, int]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(r"\s*\[\[\s*rule\s*\]\]", line):
            tables.append((number, {}))
        elif tables and (key := re.match(r"\s*([A-Za-z_]+)\s*=", line)):
            tables[-1][1].setdefault(key[1], number)
    return tables


def read_toml(text: str, name: str) -> list[Written]:
    """Parse a TOML policy into rules as they were written.

    Args:
        text: The policy.
        name: The name of its file, for errors.

    Raises:
        PolicyError: The text is not TOML, is too large, or has other keys than `rule`.
    """
    import tomllib  # imported here, so that only a policy file pays for the import

    if len(text) > MAX_POLICY:
        raise PolicyError((f"{name}: is longer than {MAX_POLICY} characters",))
    if found := _DOTTED_KEY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise PolicyError((f"{name}:{line}: has a name of 64 or more parts with dots between them",))
    try:
        document = tomllib.loads(text)
    except ValueError as error:
        # TOMLDecodeError, or the ValueError of int() for a number of more than 4,300 digits.
        raise PolicyError((f"{name}: {error}",)) from None
    except RecursionError:
        raise PolicyError((f"{name}: is nested too deeply",)) from None
    tables = document.pop("rule", [])
    problems = [f"{name}: {problem.key}: {problem.message}" for problem in unknown_keys(document, ("rule",))]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        problems.append(f"{name}: rule: is not a list of tables: write [[rule]]")
    if problems:
        raise PolicyError(tuple(problems))
    lines = table_lines(text)
    if len(lines) != len(tables):
        return [read_table(table, f"{name}: rule {number}", {}) for number, table in enumerate(tables, start=1)]
    return [
        read_table(table, f"{name}:{line}", {key: f"{name}:{at}" for key, at in keys.items()})
        for table, (line, keys) in zip(tables, lines, strict=True)
    ]


def unknown_keys(table: Mapping[str, object], known: Sequence[str]) -> tuple[Problem, ...]:
    """A problem for each unknown key: the first ones by name, then the number of the others."""
    unknown = [key for key in table if key not in known]
    problems = [Problem(visible(key[:MAX_KEY]), f"unknown key{nearest(key, known)}") for key in unknown[:MAX_LISTED]]
    if len(unknown) > MAX_LISTED:
        problems.append(Problem("keys", f"{len(unknown) - MAX_LISTED} more unknown keys"))
    return tuple(problems)


def read_table(table: Mapping[str, object], place: str, places: Mapping[str, str]) -> Written:
    problems = unknown_keys(table, TOML_KEYS)
    values = {key: value for key, value in table.items() if key in TOML_KEYS}
    return Written(place, values, problems, places)
