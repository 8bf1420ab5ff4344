"""Follows the machine's interfaces: reads them whenever the kernel says that something changed.

`watch` runs `follow`.  A notice only says "look again": its contents are not used, all is
read anew.  So nothing is lost when the kernel drops notices (ENOBUFS), and a storm of them
costs a few reads.  Nothing is read while nothing changes.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from typing import Any

import trio
from trio.socket import SocketType

from polarisd.api.reading import NO_PERMISSION, READ_ERROR, TIMED_OUT, Reading, Unknown
from polarisd.net import rtnl
from polarisd.net.interfaces import Interfaces
from polarisd.net.kinds import IPV4, IPV6

# After a notice, wait for the rest of its kind; but look after this long come what may.
SETTLE_S = 0.1
MOST_SETTLING_S = 1.0
# The kernel answers at once; it has no reason ever to be slower.
_READ_DEADLINE_S = 5.0
# Tables that change under the reader are read again, this often at most.
_READS = 5
_RETRY_S = 10.0
# More than the kernel puts in one datagram of a dump.
_DATAGRAM_BYTES = 1 << 17
# What a sandbox answers: systemd's RestrictAddressFamilies=, seccomp, a kernel without it.
_FORBIDDEN = (errno.EPERM, errno.EACCES, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)
# No way out in this family, or no such family: an answer like any other.
_NO_WAY = (
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.EINVAL,  # a black hole
    errno.EACCES,  # prohibited
    errno.EAFNOSUPPORT,
    errno.EOPNOTSUPP,  # a kernel that was started without IPv6
)
_LET_IT = "the service may not use AF_NETLINK: add it to RestrictAddressFamilies= of its unit"


class _TornError(Exception):
    """The kernel's tables changed under each of several reads."""


async def follow(publish: Callable[[Reading[Interfaces]], None]) -> None:
    """Publish the interfaces now and after every change, for ever.

    Error handling: what keeps it from reading is published as Unknown.  Where the kernel
    or a sandbox forbids it, this returns, for nothing will change that.
    """
    while True:
        try:
            await _follow(publish)
        except OSError as error:
            publish(_unknown(error))
            if error.errno in _FORBIDDEN:
                return
        await trio.sleep(_RETRY_S)


async def _follow(publish: Callable[[Reading[Interfaces]], None]) -> None:
    with _socket() as notices:
        await notices.bind((0, rtnl.GROUPS))
        while True:
            publish(await read())
            await _notice(notices)
            with trio.move_on_after(MOST_SETTLING_S):
                await _quiet(notices)


async def _notice(notices: SocketType) -> None:
    """Wait for one.  That the kernel had to drop some is a notice too."""
    try:
        await notices.recv(1)
    except OSError as error:
        if error.errno != errno.ENOBUFS:
            raise


async def _quiet(notices: SocketType) -> None:
    """Until none has come for a while."""
    while True:
        with trio.move_on_after(SETTLE_S) as settled:
            await _notice(notices)
        if settled.cancelled_caught:
            return


async def read() -> Reading[Interfaces]:
    """All interfaces as they are.  OSError if the kernel refuses."""
    with trio.move_on_after(_READ_DEADLINE_S):
        try:
            return rtnl.interfaces_in(
                await _ask(rtnl.links_question()),
                await _ask(rtnl.addresses_question()),
                await _ask(rtnl.way_question(IPV4)),
                await _ask(rtnl.way_question(IPV6)),
            )
        except _TornError:
            # what tore it has left a notice, so that they are read again
            return Unknown(READ_ERROR, "the network interfaces change faster than they are read")
    return Unknown(TIMED_OUT, "the kernel did not answer on its network interfaces")


async def _ask(question: rtnl.Question) -> list[Any]:
    for _ in range(_READS):
        with _socket() as kernel:
            await kernel.connect((0, 0))
            await kernel.send(question.data)
            answers = await _answers(kernel, question)
        error = next((answer.error for answer in answers if answer.error), 0)
        if error and (question.many or error not in _NO_WAY):
            raise OSError(error, os.strerror(error))
        if not any(answer.torn for answer in answers):
            return [message for answer in answers for message in answer.messages]
    raise _TornError


async def _answers(kernel: SocketType, question: rtnl.Question) -> list[rtnl.Answer]:
    answers: list[rtnl.Answer] = []
    while not answers or (question.many and not answers[-1].ended):
        data, _, flags, _ = await kernel.recvmsg(_DATAGRAM_BYTES)
        if flags & socket.MSG_TRUNC:
            raise OSError(errno.EMSGSIZE, "the kernel's answer is longer than it may be")
        answers.append(rtnl.answer_in(data))
    return answers


def _socket() -> SocketType:
    return trio.socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)


def _unknown(error: OSError) -> Unknown:
    text = f"cannot read the network interfaces: {error.strerror}"
    if error.errno in _FORBIDDEN:
        return Unknown(NO_PERMISSION, f"{text}; {_LET_IT}")
    return Unknown(READ_ERROR, text)
