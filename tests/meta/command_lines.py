"""The command lines of `fusezap` and `fakefs` that a page shows, and what the real parsers say about them."""

from __future__ import annotations

import argparse
import itertools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from docs.tools import parsers
from fakefs import options as fakefs_options
from fakefs.errors import FakefsError
from fakefs.parse import parse_spec
from harness import commands, registry
from harness.catalogue import find
from harness.errors import FusezapError
from harness.report import outputs

_FENCE = re.compile(r"^ *```(?P<language>\w*)\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`(?P<body>(?:sudo )?(?:\./)?(?:fusezap|fakefs) [^`]+)`(?!`)")
_OPERATORS = re.compile(r"[();<>|&]+")
_PLACEHOLDER = re.compile(r"[A-Z]+")
_STAND_INS = ("1", "0.5", "released", "2026-01-31", "bash")
"""Values for placeholders such as N or SECONDS, where their own name is no value."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One simple command of a page: `program` is a command of fusezap, or `fakefs`."""

    program: str
    words: tuple[str, ...]


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would print and exit."""

    def error(self, message: str) -> NoReturn:
        raise argparse.ArgumentError(None, message)


def shown(markdown: str) -> list[CommandLine]:
    """All command lines in the shell blocks and the code spans of a page."""
    texts = []
    for fence in _FENCE.finditer(markdown):
        if fence["language"] == "sh":
            texts.append(fence["body"])
        elif fence["language"] == "console":
            texts += [line[2:] for line in fence["body"].splitlines() if line.startswith("$ ")]
    spans = (match["body"] for match in _SPAN.finditer(_FENCE.sub("", markdown)))
    texts += [span for span in spans if "[OPTION]" not in span]
    return [line for text in texts for line in _lines(text)]


def _lines(script: str) -> Iterator[CommandLine]:
    """The commands of fusezap in a shell script, those in quoted scripts (`sh -c '…'`) too."""
    open_quote = ""
    for line in script.splitlines():
        text = open_quote + line
        try:
            words = _words(text)
        except ValueError:  # a quoted word goes on in the next line
            open_quote = f"{text}\n"
            continue
        open_quote = ""
        for operator, command in itertools.groupby(words, lambda word: bool(_OPERATORS.fullmatch(word))):
            if not operator:
                yield from _simple(list(command))


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(lexer)


def _simple(words: list[str]) -> Iterator[CommandLine]:
    """The command behind `sudo`, `ssh HOST`, `exec` and the like; none if it is another program."""
    for index, word in enumerate(words):
        name = word.rpartition("/")[2]
        rest = words[index + 1 :]
        if name == "fusezap" and rest:
            yield CommandLine(rest[0], tuple(rest[1:]))
            return
        if name == "fusezap.pyz":
            yield CommandLine("diagnose", tuple(rest))
            return
        if name == "fakefs" and rest:
            yield CommandLine("fakefs", tuple(rest))
            return
        if name not in ("sudo", "python3", "ssh", "HOST"):
            break
    for word in words:
        if re.search(r"\bfusezap [a-z]", word):
            yield from _lines(word)


def problems(line: CommandLine) -> list[str]:
    """The errors of a command line; placeholders in capitals stand for any value of the right type."""
    if line.program == "fakefs":
        return _fakefs_problems(line.words)
    if line.program.startswith("-"):
        return []
    if line.program not in parsers.names():
        return [f"unknown command {line.program!r}"]
    if not line.words:  # the name of the command in a sentence
        return []
    found: list[str] = []
    for words in _candidates(line.words):
        found = list(_parse(line.program, words))
        if not found:
            return []
    return [f"fusezap {line.program} {shlex.join(line.words)}: {problem}" for problem in found]


def _candidates(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The words as they are, and with each placeholder replaced by a value."""
    yield words
    if words and words[-1].startswith("--"):  # an option in a sentence, without its value
        yield from ((*words, value) for value in _STAND_INS)
    choices = [_STAND_INS if _PLACEHOLDER.fullmatch(word) else (word,) for word in words]
    yield from itertools.islice(itertools.product(*choices), 1000)


def _parse(program: str, words: tuple[str, ...]) -> Iterator[str]:
    parser = parsers.parser(program, _Parser)
    parser.allow_abbrev = False
    try:
        args, unknown = parser.parse_known_args(words)
    except argparse.ArgumentError as error:
        yield str(error)
        return
    if unknown and not getattr(registry.module(commands, program), "PASSES_ON", False):
        yield f"unknown arguments: {' '.join(unknown)}"
    try:
        if program in ("run", "check", "list"):
            find(tuple(name for name in args.scenario if not _PLACEHOLDER.fullmatch(name)))
        if program in ("run", "check", "matrix", "results"):
            outputs.parse([text for text in args.report if not text.startswith("FORMAT=")])
    except FusezapError as error:
        yield str(error)


def _fakefs_problems(words: tuple[str, ...]) -> list[str]:
    try:
        parsed = fakefs_options.parse(words)
        for rule in parsed.rules:
            parse_spec(rule)
    except FakefsError as error:
        return [f"fakefs {shlex.join(words)}: {error}"]
    return []
