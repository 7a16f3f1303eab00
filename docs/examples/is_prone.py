"""Exit with 1 if a killed container with this FUSE server stays: `python is_prone.py 'myfs -f {mountpoint}' FILE`."""

import sys

import fusezap

server, file = sys.argv[1:]
with fusezap.hang(server=server, hold=file) as container:
    container.kill()
    verdict = container.verdict()
print(verdict.outcome, *verdict.reasons, sep="\n  ")
sys.exit(verdict.outcome is not fusezap.Outcome.RELEASED)
