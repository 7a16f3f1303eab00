"""The births of processes as the kernel reports them: the process events connector (drivers/connector/cn_proc.c).

A report names the parent of that moment, which /proc forgets when the parent dies, and the moment itself.  It needs
CAP_NET_ADMIN in the initial user namespace, the initial PID and network namespaces, and CONFIG_PROC_EVENTS.
"""

from __future__ import annotations

import os
import socket
import struct
from types import TracebackType
from typing import NamedTuple

_NETLINK_CONNECTOR = 11  # linux/netlink.h
_CN_IDX_PROC, _CN_VAL_PROC = 1, 1  # linux/connector.h
_LISTEN = 1  # PROC_CN_MCAST_LISTEN, linux/cn_proc.h
_FORK = 1  # PROC_EVENT_FORK
_SO_RCVBUFFORCE = 33  # asm-generic/socket.h
_ROOM = 8 << 20
"""Bytes of the socket's buffer: some ten thousand reports."""
_NLMSG_DONE = 3
_HEAD = struct.Struct("=IHHII")  # nlmsghdr
_MESSAGE = struct.Struct("=IIIIHH")  # cn_msg
_EVENT = struct.Struct("=IIQ")  # proc_event: what, cpu, timestamp_ns
_PLACE = _HEAD.size + _MESSAGE.size


class Birth(NamedTuple):
    """One process that was born."""

    ns: int
    """Nanoseconds of CLOCK_MONOTONIC at its birth, or a moment before; its table is a copy of that moment's or an
    earlier one."""
    parent: int | None
    """Its parent at its birth; None where that is not known."""
    pid: int


class Births:
    """A subscription to all births on the machine.

    A parent is a child's `real_parent`: for clone(2) with CLONE_PARENT, that of the caller.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    @classmethod
    def listen(cls) -> Births | None:
        """Return a subscription; None where the kernel grants none."""
        try:
            connection = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _NETLINK_CONNECTOR)
        except OSError:
            return None
        try:
            connection.bind((0, _CN_IDX_PROC))
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM)
            operation = struct.pack("=I", _LISTEN)
            message = _MESSAGE.pack(_CN_IDX_PROC, _CN_VAL_PROC, 0, 0, len(operation), 0) + operation
            connection.send(_HEAD.pack(_HEAD.size + len(message), _NLMSG_DONE, 0, 0, os.getpid()) + message)
            # The answer is there when send() returns: the kernel works on a message in its sender's context, and
            # sends one where it lets us listen (cn_proc_ack()).
            if _error(connection.recv(4096)) == 0:
                return cls(connection)
        except OSError:
            pass
        connection.close()
        return None

    def since(self) -> list[Birth] | None:
        """Return the births since the last call; None where reports were lost."""
        found: list[Birth] = []
        while True:
            try:
                data = self._socket.recv(4096)
            except BlockingIOError:
                return found
            except OSError:  # ENOBUFS: more than the buffer takes
                return None
            birth = parse(data)
            if birth is not None:
                found.append(birth)

    def close(self) -> None:
        """End the subscription."""
        self._socket.close()

    def __enter__(self) -> Births:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()


def parse(data: bytes) -> Birth | None:
    """Return the birth that a report is of; None where it is of something else, a new thread among it."""
    if len(data) < _PLACE + _EVENT.size + 16:
        return None
    what, _, ns = _EVENT.unpack_from(data, _PLACE)
    _, parent, tid, tgid = struct.unpack_from("=IIII", data, _PLACE + _EVENT.size)
    return Birth(ns, parent, tgid) if what == _FORK and tid == tgid else None


def _error(data: bytes) -> int | None:
    """The status in the answer to a subscription."""
    if len(data) < _PLACE + _EVENT.size + 4:
        return None
    what, _, _ = _EVENT.unpack_from(data, _PLACE)
    (status,) = struct.unpack_from("=I", data, _PLACE + _EVENT.size)
    return int(status) if what == 0 else None
