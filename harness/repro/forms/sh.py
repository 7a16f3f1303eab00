"""A shell script: the same scenario by hand, with unshare(1), fakefs and nothing of the harness.  Pure."""

from __future__ import annotations

import re
import shlex
import sys

from harness.errors import UsageError
from harness.launch import argv
from harness.model.printable import visible
from harness.repro.file import File
from harness.scenario import Before, Exercise, Frame, Holder, Place, Scenario

SUMMARY = "a shell script with fakefs, as `run --out DIR` keeps it (repro.sh)"
_SCRIPT = """\
#!/bin/sh
# {name}: {summary}.
# Run as root.  It ends what it made: the connection is aborted at the end, and at Ctrl-C.
set -eu
python=${{FUSEZAP_PYTHON:-{python}}}

# A mount namespace of its own: no mount of this script is seen outside, or stays.
if [ -z "${{REPRO_NAMESPACE:-}}" ]; then
    REPRO_NAMESPACE=1 exec unshare --mount --propagation private -- sh "$0" "$@"
fi
dir=$(mktemp -d)
mkdir "$dir/mnt"
name=${{dir##*/}}
export python dir name # for the shell in the namespace
grep -q ' /sys/fs/fuse/connections ' /proc/self/mountinfo || mount -t fusectl none /sys/fs/fuse/connections

number=
server_pid=
finish() {{
    [ -z "$number" ] || echo 1 >"/sys/fs/fuse/connections/$number/abort" || :
    [ -z "$server_pid" ] || kill -KILL "$server_pid" || :
    wait
    umount -l "$dir/mnt" 2>/dev/null || : # where the server runs beside the container, its mount is in our namespace
    rm -f "$dir/journal" "$dir/control"
    rmdir "$dir/mnt" "$dir"
}}
trap finish EXIT
trap 'exit 1' INT TERM HUP

connection() {{ # the minor of the mount's device is the connection's number; the mount may be in a nested namespace
    cat /proc/[0-9]*/mountinfo 2>/dev/null |
        sed -n "s/^[0-9]* [0-9]* [0-9]*:\\([0-9]*\\) .* - fuse[^ ]* $name .*/\\1/p" | head -n 1
}}
tree() {{ # a process and all below it
    echo "$1"
    for below in $(cat "/proc/$1/task/"*/children 2>/dev/null); do tree "$below"; done
}}
journalled() {{ grep -q "\\"event\\": *\\"$1\\", *\\"operation\\": *\\"$2\\"" "$dir/journal" 2>/dev/null; }}

{start}
{armed}
{target}
number=$(connection)
[ -n "$number" ] || {{ echo "nothing is mounted as $name" >&2; kill -KILL "$init"; exit 1; }}
echo "armed: init $init, connection $number"
{before}kill -KILL "$init"
sleep 1
if [ ! -e "/proc/$init/stack" ]; then
    number=
    echo "released: init is gone"
    exit 0
fi
echo "init $init is still there:"
cat "/proc/$init/stack"
for child in $(tree "$init"); do
    for task in "/proc/$child/task/"*; do
        echo "task ${{task##*/}}: $(sed -n 's/^State:[[:space:]]*//p' "$task/status")"
        cat "$task/stack"
    done
done
echo "aborting connection $number"
"""

_CONTAINER = """\
unshare --pid --fork --mount-proc sh -c {inside} &
shim=$!"""
_NESTED = "unshare --pid --fork --mount-proc sh -c {inside}"
_OUTSIDE = """\
{server} &
server_pid=$!
until journalled replied init; do sleep 0.05; done
"""
_INIT = """\
init=$(cat "/proc/$shim/task/$shim/children")
init=${init%% *}"""

_MARK = "\0"
"""Before the name of a variable of the script: no argument of a program holds it (execve(2)), as it may hold a `$`."""
_VARIABLES = argv.Places(
    (f"{_MARK}python", "-P", "-m"), f"{_MARK}name", f"{_MARK}dir/mnt", f"{_MARK}dir/journal", f"{_MARK}dir/control"
)
_VARIABLE = re.compile(rf"{_MARK}(python|name|dir)")


def files(scenarios: tuple[Scenario, ...]) -> list[File]:
    """Write a script for each scenario.

    Raises:
        UsageError: a scenario takes more than fakefs and a shell.
    """
    for each in scenarios:
        if not possible(each):
            raise UsageError(f"there is no script of {each.name}: it takes more than fakefs and a shell")
    return [File(f"{each.name}.sh", script(each), executable=True) for each in scenarios]


def possible(scenario: Scenario) -> bool:
    """Return True where fakefs and a shell suffice for it."""
    return scenario.server is not Place.NOWHERE and not scenario.command


def script(scenario: Scenario) -> str:
    """Write the script of a scenario that is possible."""
    target = "init=$server_pid" if scenario.frame is Frame.PROCESS else _INIT
    return _SCRIPT.format(
        name=visible(scenario.name),
        summary=visible(scenario.summary),
        python=shlex.quote(sys.executable),
        start=started(scenario),
        armed=_armed(scenario),
        target=target,
        before=_before(scenario),
    )


def started(scenario: Scenario) -> str:
    """The shell lines that start its programs, with the variables `python`, `name` and `dir`."""
    outside = scenario.server is Place.OUTSIDE or scenario.frame is Frame.PROCESS
    start = _OUTSIDE.format(server=_words(argv.server(scenario, _VARIABLES))) if outside else ""
    if scenario.frame is Frame.PROCESS:
        return start
    inside = " & ".join(map(_words, argv.inside(scenario, _VARIABLES))) + " & wait"
    if scenario.frame is Frame.NESTED:
        inside = _NESTED.format(inside=shlex.quote(inside)) + " & wait"
    return start + _CONTAINER.format(inside=shlex.quote(inside))


def _before(scenario: Scenario) -> str:
    return "" if scenario.before is None else _BEFORE.get(scenario.before, "")


def _armed(scenario: Scenario) -> str:
    """The shell line that waits for the journal to show it armed; where no journal can, it sleeps a second."""
    if scenario.exercise is Exercise.REQUEST_HELD:
        return f"until journalled held '{'.*' if scenario.call == 'fault' else '[a-z]*'}'; do sleep 0.05; done"
    if scenario.holder is Holder.NOBODY or scenario.holder is Holder.PASSED:
        return "sleep 1"
    return "until journalled replied 'open[dir]*'; do sleep 0.05; done"


_BEFORE = {
    Before.SERVER_STOPPED: """\
kill -STOP "$server_pid"
for child in $(cat "/proc/$init/task/$init/children"); do
    if [ "$(cat "/proc/$child/comm")" = fakefs-act ]; then kill -USR1 "$child"; fi # it makes its call now
done
sleep 0.2
""",
    Before.SERVER_EXITS: '"$python" -P -m fakefs.ctl "$dir/control" exit || :\nsleep 0.2\n',
}


def _words(argv: list[str]) -> str:
    """The words, quoted for a shell that has the variables."""
    return " ".join(map(_word, argv))


def _word(word: str) -> str:
    parts = _VARIABLE.split(word)  # what is ours stands at the odd places
    if len(parts) == 1:
        return shlex.quote(word)
    return "".join(f'"${part}"' if place % 2 else shlex.quote(part) if part else "" for place, part in enumerate(parts))
