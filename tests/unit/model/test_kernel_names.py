"""Looking names up in a stack."""

from __future__ import annotations

import pytest

from harness.model.kernel_names import EXIT, FUSE_FLUSH, FUSE_WAIT, MEANING, below, has
from harness.model.records import function_of
from tests.unit.records import FLUSH_STACKS


def test_has() -> None:
    assert has(("schedule", "request_wait_answer"), FUSE_WAIT)
    assert not has(("request_wait_answer_not",), FUSE_WAIT)
    assert not has((), FUSE_WAIT)


def test_below_wants_the_inner_function_to_be_called_by_the_outer_one() -> None:
    assert below(("fuse_flush", "filp_close", "do_exit"), FUSE_FLUSH, EXIT)
    assert not below(("do_exit", "fuse_flush", "filp_close"), FUSE_FLUSH, EXIT)
    assert not below(("fuse_flush", "filp_close"), FUSE_FLUSH, EXIT)
    assert not below(("do_exit",), FUSE_FLUSH, EXIT)
    assert not below((), FUSE_FLUSH, EXIT)


@pytest.mark.parametrize("kernel", FLUSH_STACKS)
def test_every_measured_stack_is_a_flush_below_the_exit_and_explained(kernel: str) -> None:
    functions = tuple(function_of(frame) for frame in FLUSH_STACKS[kernel])
    assert has(functions, FUSE_WAIT)
    assert below(functions, FUSE_FLUSH, EXIT)
    assert set(functions) <= MEANING.keys()
