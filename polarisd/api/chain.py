"""Where this machine stands on the chain, and what validators say of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from polarisd.api.reading import NOT_READ_YET, Reading, Unknown

# States of the connection to the chain.
OFF = "off"  # this mode needs no chain
STARTING = "starting"
FOLLOWING = "following"  # new heads arrive
STALLED = "stalled"  # the node answers, its chain does not move
UNREACHABLE = "unreachable"
REFUSED = "refused"  # a node of another chain, or a runtime that we cannot work with
STATES = (OFF, STARTING, FOLLOWING, STALLED, UNREACHABLE, REFUSED)

_NOT_READ = Unknown(NOT_READ_YET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The endpoint that the chain names for this hotkey, and the block it was set in."""

    endpoint: str
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The newest that was read of the chain; `read_at` is when, `block` where.

    `hotkey` is empty while there is none; `uid` is Unknown(not_registered) where the chain
    was asked and has none, `published` Unknown(not_published) likewise.  Amounts are in
    rao (10^-9 TAO); `incentive` is the subnet's share of 0 to 1, `emission_rao` per tempo.
    `publication` says what keeps the endpoint from being right, empty if nothing does;
    `unread` why the newest of the chain cannot be read though its blocks arrive, empty if it can.
    """

    state: str = OFF
    detail: str = ""
    network: str = ""
    endpoint: str = ""
    netuid: int = 0
    hotkey: str = ""
    genesis_hash: Reading[str] = _NOT_READ
    spec_version: Reading[int] = _NOT_READ
    block: Reading[int] = _NOT_READ
    block_at: Reading[float] = _NOT_READ
    read_at: Reading[float] = _NOT_READ
    subnet_name: Reading[str] = _NOT_READ
    uid: Reading[int] = _NOT_READ
    registered_block: Reading[int] = _NOT_READ
    immune_until_block: Reading[int] = _NOT_READ
    validator_permit: Reading[bool] = _NOT_READ
    incentive: Reading[float] = _NOT_READ
    emission_rao: Reading[int] = _NOT_READ
    owner_coldkey: Reading[str] = _NOT_READ
    owner_balance_rao: Reading[int] = _NOT_READ
    published: Reading[Published] = _NOT_READ
    publication: str = ""
    unread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSeen:
    """What a validator saw from outside of one of our ports.

    `answer` is open, ssh (an SSH banner came), closed, silent (no answer in time)
    or not_tried.
    """

    port: int
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Validator:
    """A validator that this machine sends heartbeats to, and the last that it said.

    `state` is waiting (nothing sent yet), ok, unreachable, refused or muted (it says
    to slow down); `code`, `detail` and `remedy` say more when it is not ok.  `sees_us_as`
    is the address that our heartbeats come from.  `replied_at` is when it last took one,
    `heard_at` when it last said anything that it signed; by `clock_ahead_s` our clock was
    ahead of its own then.  `ports` were looked at at `looked_at`.
    """

    hotkey: str
    uid: Reading[int]
    endpoint: str
    state: str
    detail: str
    remedy: str
    beats_sent: int
    beats_answered: int
    sent_at: Reading[float]
    replied_at: Reading[float]
    next_at: Reading[float]
    sees_us_as: Reading[str]
    ports: tuple[PortSeen, ...] = field(default=())
    verdict: Reading[str]
    verdict_at: Reading[float]
    code: str = ""
    looked_at: Reading[float] = _NOT_READ
    heard_at: Reading[float] = _NOT_READ
    clock_ahead_s: Reading[float] = _NOT_READ


@dataclass(frozen=True, slots=True, kw_only=True)
class Miners:
    """Whom a validator has heard: all that it knows, those of the last five minutes, and those
    of whom it has two heartbeats that contradict each other."""

    known: int = 0
    heard_lately: int = 0
    equivocated: int = 0
    last_at: Reading[float] = _NOT_READ
