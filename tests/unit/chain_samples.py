"""Example records of the chain, the network and validators: a miner with whom all is well."""

from __future__ import annotations

from typing import Any

from polarisd.api.chain import FOLLOWING, Chain, PortSeen, Published, Validator
from polarisd.api.network import INTERFACE, Candidate, Network, Public
from polarisd.api.reading import NOT_KNOWN, Unknown
from tests.unit.ctl_samples import NOW

HOTKEY = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
COLDKEY = "5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy"
# Not one of those set aside for documentation: those are public to nobody.
PUBLIC = "1.2.3.4"
NAMES = (
    "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
    "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y",
    "5HGjWAeFDfFCWPsjFQdVV2Msvz2XtMktvgocEZcCj68kUMaw",
    "5CiPPseXPECbkjWCa6MnjNokrgYjMqmKndv2rSnekmSK2DjL",
)


def chain(**changes: Any) -> Chain:
    base: dict[str, Any] = {
        "state": FOLLOWING,
        "detail": "",
        "network": "finney",
        "endpoint": "wss://entrypoint-finney.opentensor.ai:443",
        "netuid": 49,
        "hotkey": HOTKEY,
        "genesis_hash": "0x" + "2f" * 32,
        "spec_version": 473,
        "block": 8_104_035,
        "block_at": NOW - 8,
        "read_at": NOW - 20,
        "subnet_name": "Polaris",
        "uid": 17,
        "registered_block": 8_100_139,
        "immune_until_block": 8_105_139,
        "validator_permit": False,
        "incentive": 0.0123,
        "emission_rao": 420_000_000,
        "owner_coldkey": COLDKEY,
        "owner_balance_rao": 1_250_000_000,
        "published": Published(endpoint=f"{PUBLIC}:8000", block=8_100_150),
        "publication": "",
    }
    return Chain(**{**base, **changes})


def candidate(address: str = PUBLIC, **changes: Any) -> Candidate:
    base: dict[str, Any] = {
        "address": address,
        "kind": "global",
        "source": INTERFACE,
        "origin": "eth0",
        "seen_at": NOW - 86400,
    }
    return Candidate(**{**base, **changes})


def network(**changes: Any) -> Network:
    base: dict[str, Any] = {
        "ipv4": Public(address=PUBLIC, source=INTERFACE, since_at=NOW - 86400),
        "ipv6": Unknown(NOT_KNOWN, "no interface has a public IPv6 address"),
        "endpoint": f"{PUBLIC}:8000",
        "behind_nat": False,
        "candidates": (candidate(),),
    }
    return Network(**{**base, **changes})


def ports(**answers: str) -> tuple[PortSeen, ...]:
    """`ports(p8000="closed")`: that one so, the others as they should be."""
    usual = {"p8000": "open", "p11000": "ssh", "p11001": "closed", "p11002": "closed"}
    return tuple(PortSeen(port=int(k[1:]), answer=v) for k, v in {**usual, **answers}.items())


def validator(number: int = 0, **changes: Any) -> Validator:
    base: dict[str, Any] = {
        "hotkey": NAMES[number],
        "uid": 3 + number,
        "endpoint": f"1.2.4.{number + 1}:8000",
        "state": "ok",
        "detail": "",
        "remedy": "",
        "beats_sent": 2880,
        "beats_answered": 2876,
        "sent_at": NOW - 12 - number,
        "replied_at": NOW - 12 - number,
        "next_at": NOW + 18,
        "sees_us_as": PUBLIC,
        "ports": ports(),
        "verdict": Unknown(NOT_KNOWN),
        "verdict_at": Unknown(NOT_KNOWN),
        "code": "",
        "looked_at": NOW - 70,
        "heard_at": NOW - 12 - number,
        "clock_ahead_s": 0.02,
    }
    return Validator(**{**base, **changes})


def place(**changes: Any) -> dict[str, Any]:
    """The sections of a snapshot that say where a machine stands; three validators."""
    three = tuple(validator(number) for number in range(3))
    return {"chain": chain(), "network": network(), "validators": three, **changes}
