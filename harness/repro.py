"""`repro.sh`: the same scenario by hand, with unshare(1), fakefs and nothing of the harness.  Pure."""

from __future__ import annotations

import shlex
import sys

from harness.scenario import Holder, Place, Scenario

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
grep -q ' /sys/fs/fuse/connections ' /proc/self/mountinfo || mount -t fusectl none /sys/fs/fuse/connections

server="$python -P -m fakefs $dir/mnt --fsname $name --journal $dir/journal --control $dir/control {options}"
holder="$python -P -m fakefs.hold $dir/mnt/held"
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

connection() {{ # the minor of the mount's device is the connection's number
    sed -n "s/^[0-9]* [0-9]* [0-9]*:\\([0-9]*\\) .* - fuse[^ ]* $name .*/\\1/p" "$1"
}}
journalled() {{ grep -q "\\"event\\": *\\"replied\\", *\\"operation\\": *\\"$1\\"" "$dir/journal" 2>/dev/null; }}

{start}
until journalled open; do sleep 0.05; done
init=$(cat "/proc/$shim/task/$shim/children")
init=${{init%% *}}
number=$(connection "/proc/$init/mountinfo")
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
for child in $(cat "/proc/$init/task/$init/children"); do
    for task in "/proc/$child/task/"*; do
        echo "task ${{task##*/}}: $(sed -n 's/^State:[[:space:]]*//p' "$task/status")"
        cat "$task/stack"
    done
done
echo "aborting connection $number"
"""

_INSIDE = """\
unshare --pid --fork --mount-proc sh -c "{programs} & wait" &
shim=$!"""

_OUTSIDE = """\
$server &
server_pid=$!
until journalled init; do sleep 0.05; done
"""


def script(scenario: Scenario) -> str:
    options = [f"--file /held{' --hold /held' if scenario.holder is Holder.SERVER else ''}"]
    options += [f"--rule {shlex.quote(rule)}" for rule in scenario.rules]
    if scenario.server is Place.INSIDE:
        start = _INSIDE.format(programs="$server")
    else:
        start = _OUTSIDE + _INSIDE.format(programs="$holder")
    return _SCRIPT.format(
        name=scenario.name,
        summary=scenario.summary,
        python=shlex.quote(sys.executable),
        options=" ".join(options),
        start=start,
        before='kill -STOP "$server_pid"\n' if scenario.stop_server else "",
    )
