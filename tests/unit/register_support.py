"""What the pure parts of registration are given: a chain, a subnet, a wish."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from typing import Any

from polarisctl.commands import register
from polarisctl.registration.judge import Subnet
from polarisctl.registration.networks import Network
from polarisctl.registration.wish import Wish
from polarisd import keys
from polarisd.chain.values import Identity, Terms

GENESIS = "0x" + "1" * 64
HOTKEY = keys.from_seed(b"h" * 32).ss58
COLDKEY = keys.from_seed(b"c" * 32).ss58
OTHER = keys.from_seed(b"o" * 32).ss58

IDENTITY = Identity(
    genesis_hash=GENESIS, spec_version=474, chain_name="Polaris devnode", block_time_s=12.0
)
TERMS = Terms(
    netuid=49,
    name="Polaris",
    block=1000,
    registration_open=True,
    price_rao=500_000,
    num_uids=3,
    max_uids=256,
    immunity_blocks=5000,
    serving_limit_blocks=50,
    weights_limit_blocks=100,
    commit_reveal=False,
    owner_coldkey=OTHER,
)
WISH = Wish(mode="bittensor", network=Network("local"), netuid=49)


def subnet(*, terms: dict[str, Any] | None = None, **changes: Any) -> Subnet:
    made = Subnet(
        identity=IDENTITY,
        block=1000,
        terms=replace(TERMS, **(terms or {})),
        hotkey=HOTKEY,
        block_age_s=6.0,
    )
    return replace(made, **changes)


def arguments(**given: Any) -> Any:
    """Parsed options, as argparse leaves them."""
    return Namespace(**{**register.DEFAULTS, **given})
