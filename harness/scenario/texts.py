"""Explanations for scenarios that differ only in the call: one text for each situation."""

from __future__ import annotations


def held_by_itself(call: str, function: str, request: str) -> str:
    """Explain a call of the server on its own mount whose request was read and is not answered.

    Args:
        call: The system call, as `close(2)`.
        function: The function of the kernel that sends the request.
        request: The opcode, without FUSE_.

    Returns:
        A paragraph for `Scenario.why`.
    """
    return (
        f"A thread of the server is in {call}: {function} has sent {request}. Another thread has read the request "
        "from the device and does not answer. Once a request has been read, request_wait_answer() waits "
        "uninterruptibly for the answer, so the SIGKILL stays pending. The stuck thread keeps the descriptor "
        "table, which has the device in it, so the connection does not end with the other threads. Kernels hang "
        "here by design. The fix of 6.3 does not change that: it concerns the exit path only."
    )


def held_outside(call: str, function: str, request: str) -> str:
    """Explain a call whose request a server outside of the namespace has read and does not answer.

    Args:
        call: The system call, as `close(2)`.
        function: The function of the kernel that sends the request.
        request: The opcode, without FUSE_.

    Returns:
        A paragraph for `Scenario.why`.
    """
    return (
        f"A process inside is in {call}: {function} has sent {request}. The server outside has read the request "
        "and does not answer. Once a request has been read, request_wait_answer() waits uninterruptibly for the "
        "answer, so the SIGKILL does not end the wait. The server lives and could answer at any time: the outcome"
        " is starved, not deadlock."
    )


def queued(held: str) -> str:
    """Explain a request that no server has read, and that is taken back when its caller is killed.

    Args:
        held: The scenario in which the server has read the same request.

    Returns:
        A paragraph for `Scenario.why`.
    """
    return (
        "The server outside is stopped, so no task reads the device and the request stays in the queue. The "
        "kernel drops a request that has not been read when its caller is killed: request_wait_answer() waits "
        "killably for it, takes it off the queue at the SIGKILL (fuse_remove_pending_req(); list_del() in older "
        f"kernels) and returns. So the namespace ends, unlike in {held}, where the server has read the request."
    )
