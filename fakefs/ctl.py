"""`python -m fakefs.ctl SOCKET COMMAND`: the command line client of the control socket."""

import errno
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fakefs.client import Control
from fakefs.errors import ControlError
from fakefs.names import nearest
from fakefs.program import REFUSED, complain, run, write
from fakefs.protocol import COMMANDS, MAX_NUMBER, MAX_SECONDS, Status
from fakefs.text import shown, visible

HELP = """\
usage: python -m fakefs.ctl [--json] SOCKET COMMAND [ARGUMENT]...

  status                             show the held requests, the rules with their counters, and the calls so far
  release [ID|all] [--errno ERRNO]   answer held requests, with that error if one is given (default: all)
  set SPEC...                        replace the rules; the counters start at zero, held requests stay held
  clear                              remove all rules
  wait [--event E] [--operation O] [--path GLOB] [--count N] [--since NS] [--timeout SECONDS]
                                     wait until the journal has N such entries; earlier ones count (default: 1, 10 s)
  shutdown                           release all requests, unmount, exit
  exit                               exit at once, without releasing or unmounting anything

  --json   print one JSON document

Exit status: 0 done; 1 the server refused it, cannot be reached, or did not see the entries in time; 2 a wrong command
line, or stdout cannot be written; 3 a defect of fakefs.

  python -m fakefs.ctl /tmp/ctl wait --event held --operation flush && python -m fakefs.ctl /tmp/ctl release
"""

DONE, FAILED = 0, 1


@dataclass(slots=True)
class Words:
    """The command line: the options with their values, and the other arguments."""

    rest: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    as_json: bool = False


#: The options of each command, and the function that parses the value of each.
OPTIONS: dict[str, dict[str, Callable[[str], Any]]] = {
    "release": {"--errno": lambda text: errno_of(text)},
    "wait": {
        "--event": str,
        "--operation": str,
        "--path": str,
        "--count": lambda text: whole(text),
        "--since": lambda text: whole(text),
        "--timeout": lambda text: seconds(text),
    },
}


def whole(text: str) -> int:
    """A number of 0 or more. Raises ValueError."""
    if text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= MAX_NUMBER:
        return int(text)
    raise ValueError(f"{shown(text)} is not a whole number from 0 to {MAX_NUMBER}")


def seconds(text: str) -> float:
    """A duration in seconds. Raises ValueError."""
    number = float(text)
    if 0 <= number <= MAX_SECONDS:
        return number
    raise ValueError(f"{shown(text)} is not a number of seconds from 0 to {MAX_SECONDS:g}")


def errno_of(text: str) -> int:
    """The number of an error, from its name or its number. Raises ValueError."""
    number = whole(text) if text.isdecimal() else getattr(errno, text, None)
    if not isinstance(number, int):
        raise ValueError(f"unknown errno {text!r}{nearest(text.upper(), errno.errorcode.values())}")
    return number


def split(argv: Sequence[str]) -> Words:
    """Separate options from other arguments. Raises ValueError for an option that no command has."""
    words, source = Words(), iter(argv)
    known = [name for options in OPTIONS.values() for name in options]
    for word in source:
        name, equals, value = word.partition("=")
        if word == "--json":
            words.as_json = True
        elif name in known:
            words.options[name] = value if equals else next(source, "")
        elif word.startswith("--"):
            raise ValueError(f"unknown option {word!r}{nearest(name, [*known, '--json'])}")
        else:
            words.rest.append(word)
    return words


def request(words: Words) -> Any:
    """Send the command to the server.

    Returns:
        A Status, entries, ids, or None, depending on the command.

    Raises:
        ValueError: The command line is wrong.
        ControlError: The server refused the command, or cannot be reached.
    """
    if len(words.rest) < 2:
        raise ValueError("needs SOCKET and COMMAND")
    path, command, *rest = words.rest
    takes = OPTIONS.get(command, {})
    if command not in COMMANDS:
        raise ValueError(f"unknown command {command!r}{nearest(command, COMMANDS)}")
    if foreign := words.options.keys() - takes:
        raise ValueError(f"{command} does not take {', '.join(sorted(foreign))}")
    if rest and command not in ("set", "release"):
        raise ValueError(f"{command} does not take {' '.join(rest)!r}")
    values = {name.removeprefix("--"): takes[name](text) for name, text in words.options.items()}
    control = Control(path)
    if command == "release":
        if len(rest) > 1 or (rest and rest != ["all"] and not rest[0].isdecimal()):
            raise ValueError(f"release takes an ID or 'all', not {' '.join(rest)!r}")
        return control.release(int(rest[0]) if rest and rest != ["all"] else None, **values)
    if command == "set":
        return control.set(rest)
    return getattr(control, command)(**values)


def show_status(status: Status) -> str:
    """The status as text."""
    now = time.monotonic_ns()
    lines = [f"{len(status.held)} held"]
    lines += [
        f"  {one.id:6}  {one.operation} {visible(one.path or '-')}"
        f"  by {visible(one.comm or '?')} (tid {one.tid or '?'})"
        f"  for {(now - one.since) / 1e9:.1f} s  rule #{(one.rule or 0) + 1}"
        for one in status.held
    ]
    lines.append(f"{len(status.rules)} rules")
    lines += [
        f"  #{number:<5}  {visible(one.spec)}  matched {one.matched}, fired {one.fired}"
        for number, one in enumerate(status.rules, start=1)
    ]
    lines.append("calls: " + (", ".join(f"{name} {number}" for name, number in status.totals.items()) or "none"))
    if status.journal_error:
        lines.append(f"the journal is no longer written: {visible(status.journal_error)}")
    return "\n".join(lines)


def show(command: str, result: Any) -> str:
    """The result of a command as text. Names of others are shown with escapes for control characters."""
    if isinstance(result, Status):
        return show_status(result)
    if command == "release":
        return "released " + (" ".join(map(str, result)) or "nothing: no request is held")
    if command == "wait":
        return "\n".join(
            f"{one.time / 1e9:.6f}  {one.event:9}{one.operation} {visible(one.path or '-')}"
            + (f"  by tid {one.caller.tid}" if one.caller else "")
            + (f"  rule {visible(one.spec)}" if one.spec else "")
            + (f"  = {one.result}" if one.result is not None else "")
            for one in result
        )
    return {"set": "the rules are in force", "clear": "all rules are removed"}.get(command, "the server exits")


def document(result: Any) -> Any:
    """The result of a command as JSON's types."""
    if isinstance(result, Status):
        return result.record()
    return [one if isinstance(one, int) else one.record() for one in result or ()]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments without the program's name, by default those of the process.

    Returns:
        The exit status, as `HELP` lists them.
    """
    return run("fakefs.ctl", command, argv)


def command(argv: list[str]) -> int:
    if {"-h", "--help"} & set(argv):
        write(HELP.rstrip("\n"))
        return DONE
    try:
        words = split(argv)
        result = request(words)
    except ValueError as error:
        complain(f"fakefs.ctl: {error}\n{HELP}".rstrip("\n"))
        return REFUSED
    except ControlError as error:
        complain(f"fakefs.ctl: {error}")
        return FAILED
    write(json.dumps(document(result)) if words.as_json else show(words.rest[1], result))
    return DONE


if __name__ == "__main__":
    sys.exit(main())
