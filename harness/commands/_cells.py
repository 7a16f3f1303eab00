"""The options of a command that runs scenarios under many kernels: the kernels, and where the work is done."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from harness.commands import _extras
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.matrix.measure import Workers


def listed(texts: list[str]) -> tuple[str, ...]:
    """The names in comma-separated texts, each once."""
    return tuple(dict.fromkeys(name for text in texts for each in text.split(",") if (name := each.strip())))


def kernels(args: argparse.Namespace, texts: list[str]) -> tuple[str, ...]:
    """The specs of the kernels.

    Args:
        args: The options of the command, with `cluster`.
        texts: The values of --kernels.

    Raises:
        UsageError: There is none, or a spec is none that can be.
    """
    from harness.kernels import spec as kernel_spec

    specs = listed(texts)
    if not specs:
        raise UsageError("--kernels names no kernel")
    if args.cluster is None:  # a file's name may mean something there that it does not mean here
        for spec in specs:
            kernel_spec.check(spec)
    return specs


def workers(args: argparse.Namespace, at_a_time: int) -> Workers:
    """Run jobs on the cluster of --cluster, or here, as many at a time as --jobs says.

    Args:
        args: The options of the command, with `cluster` and `jobs`.
        at_a_time: Jobs at a time where --jobs is not given.
    """
    if args.cluster is not None:
        _extras.ensure("farm", "distributed", "--cluster")
        from harness.matrix import cluster

        return cluster.workers(args.cluster)
    from harness.matrix import local

    return partial(local.run, at_a_time=args.jobs or at_a_time)
