"""Requests of the control socket."""

import json

import pytest

from fakefs.protocol import PARAMETERS, Request, Wanted, parse_request


@pytest.mark.parametrize(
    ("message", "request_"),
    [
        ({"command": "status"}, Request("status")),
        ({"command": "release"}, Request("release")),
        ({"command": "release", "id": 3, "errno": 5}, Request("release", id=3, errno=5)),
        ({"command": "set", "specs": ["a"]}, Request("set", specs=("a",))),
        (
            {"command": "wait", "event": "held", "operation": "flush", "path": "/*", "count": 2, "since": 9},
            Request("wait", wanted=Wanted("held", "flush", "/*", 9), count=2),
        ),
        ({"command": "wait", "timeout": 0.5}, Request("wait", timeout=0.5)),
    ],
)
def test_requests(message: dict[str, object], request_: Request) -> None:
    assert parse_request(json.dumps(message)) == request_


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "not JSON"),
        ("\xff", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "unknown command None"),
        ('{"command": "statsu"}', "unknown command 'statsu'; did you mean 'status'?"),
        ('{"command": ["status"]}', "unknown command ['status']"),
        ('{"command": "release", "ern": 3}', "release: unknown parameter 'ern'; did you mean 'errno'?"),
        ('{"command": "release", "id": "3"}', "release: id: '3' is not"),
        ('{"command": "release", "errno": 512}', "release: errno: 512 is not"),
        ('{"command": "release", "errno": true}', "release: errno: True is not"),
        ('{"command": "set", "specs": "a"}', "set: specs: 'a' is not a list"),
        ('{"command": "wait", "count": 0}', "wait: count: 0 is not"),
        ('{"command": "wait", "timeout": -1}', "wait: timeout: -1 is not"),
        ('{"command": "wait", "timeout": NaN}', "wait: timeout: nan is not"),
        ('{"command": "wait", "event": "hold"}', "wait: event: unknown event 'hold'; did you mean 'held'?"),
        ('{"command": "wait", "operation": "fush"}', "wait: operation: unknown operation 'fush'"),
    ],
)
def test_bad_requests(line: str, words: str) -> None:
    errors = parse_request(line)
    assert isinstance(errors, tuple)
    assert errors[0].startswith(words), errors


def test_all_problems_of_a_request_are_reported() -> None:
    errors = parse_request('{"command": "wait", "a": 1, "count": 0, "event": "x"}')
    assert isinstance(errors, tuple)
    assert len(errors) == 3


def test_every_command_has_its_parameters() -> None:
    for command in PARAMETERS:
        assert parse_request(json.dumps({"command": command})) == Request(command)
