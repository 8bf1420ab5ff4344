"""What `polarisctl status` says of chain, network and validators."""

from __future__ import annotations

from typing import Any

import pytest

from polarisctl import values
from polarisctl.render.chain import ON_LINES
from polarisctl.render.status import status
from polarisctl.render.validators import of_most, ports_text
from polarisctl.terminal import Terminal
from polarisd.api.chain import Chain, Published
from polarisd.api.network import ECHO, INTERFACE, Network, Public
from polarisd.api.reading import NOT_KNOWN, NOT_PUBLISHED, NOT_REGISTERED, Unknown
from polarisd.health.network_catalogue import NETWORK
from tests.unit import ctl_samples as world
from tests.unit.chain_samples import HOTKEY, chain, network, place, ports, validator

UNREAD = Unknown("not_read_yet")
NOBODY = Unknown(NOT_KNOWN, "no way out")


def page(columns: int = 80, verbose: bool = False, mode: str = "bittensor", **changes: Any) -> str:
    sections = {key: changes.pop(key) for key in ("role", "wanted") if key in changes}
    whole = world.snapshot(gpus=(), **place(**changes))
    whole["daemon"]["mode"] = mode
    whole["daemon"]["role"] = sections.get("role", "miner")
    whole["daemon"]["offering"]["wanted"] = sections.get("wanted", True)
    return status(whole, terminal=Terminal(columns=columns), now=world.NOW, verbose=verbose)


def lines(**changes: Any) -> dict[str, str]:
    """Each field of a wide page by its label."""
    shown = page(columns=1 << 20, **changes).splitlines()
    return {line[:10].strip(): line[10:] for line in shown if line[:1].isalpha()}


GOLDEN = """\
chain     finney, netuid 49 "Polaris", block 8104035 (8 s ago)
uid       17, registered in block 8100139, immune for 1104 blocks (about 3 h)
earning   incentive 1.23 %, 0.42 τ a tempo, by the chain's figures
endpoint  1.2.3.4:8000, published in block 8100150
address   1.2.3.4 (this machine's own)
outside   8000 open, 11000 ssh, 11001-11002 closed, say 3 validators
heartbeat 3 of 3 validators answer, the last 12 s ago

VALIDATOR  UID  STATE  ACCEPTED  SEES ME AS  PORTS                      VERDICT
5FHneW46…    3  ok     12 s ago  1.2.3.4     8000 open, 11000 ssh, 11…  none yet
5FLSigC9…    4  ok     13 s ago  1.2.3.4     8000 open, 11000 ssh, 11…  none yet
5HGjWAeF…    5  ok     14 s ago  1.2.3.4     8000 open, 11000 ssh, 11…  none yet

host """


def test_status_at_eighty_columns() -> None:
    shown = page()
    assert GOLDEN in shown
    assert max(map(len, shown.splitlines())) <= 80
    plain = status(
        world.snapshot(**place()), terminal=Terminal(columns=80, unicode=False), now=world.NOW
    )
    assert plain.isascii()
    assert "0.42 TAO a tempo" in plain


def test_a_machine_without_a_hotkey_shows_nothing_of_it() -> None:
    empty = {"chain": Chain(), "network": Network(), "validators": ()}
    found = lines(mode="independent", **empty)
    assert set(found) & {"chain", "uid", "earning", "endpoint", "address", "outside"} == set()


@pytest.mark.parametrize("gone", ["chain", "network", "validators"])
def test_a_daemon_that_sends_less_is_shown_as_far_as_it_goes(gone: str) -> None:
    whole = world.snapshot(**place())
    assert "heartbeat" in status(whole, terminal=Terminal(), now=world.NOW)
    del whole[gone]
    shown = status(whole, terminal=Terminal(), now=world.NOW)
    assert ("heartbeat" in shown) == (gone != "chain")


def test_an_independent_machine_has_no_chain_but_the_rest() -> None:
    found = lines(mode="independent", chain=Chain(hotkey=HOTKEY))
    assert {"chain", "uid", "earning"} & set(found) == set()
    assert found["endpoint"] == "1.2.3.4:8000"
    assert found["heartbeat"].startswith("3 of 3 validators answer")


def test_a_validator_waits_for_nobodys_word() -> None:
    found = lines(role="validator", validators=(), chain=chain(validator_permit=True))
    assert {"outside", "heartbeat"} & set(found) == set()
    assert found["uid"].endswith("validator permit")
    assert found["earning"] == "0.42 τ a tempo, by the chain's figures"


@pytest.mark.parametrize(
    ("changes", "label", "says"),
    [
        ({"state": "starting"}, "chain", "(8 s ago), starting"),
        ({"state": "stalled", "detail": "no head"}, "chain", "(8 s ago), stalled: no head"),
        ({"block": UNREAD, "block_at": UNREAD}, "chain", '"Polaris", block n/a'),
        ({"subnet_name": UNREAD}, "chain", "netuid 49, block"),
        ({"uid": Unknown(NOT_REGISTERED)}, "uid", "none: not registered"),
        ({"uid": UNREAD}, "uid", "n/a (not read yet)"),
        ({"network": "ws://127.0.0.1:9944"}, "uid", "immune for 1104 blocks"),
        ({"immune_until_block": 8_104_035}, "uid", "no longer immune"),
        ({"immune_until_block": UNREAD}, "uid", "17, registered in block 8100139"),
        ({"incentive": 0.0, "emission_rao": 0}, "earning", "incentive 0.00 %, 0 τ a tempo,"),
        ({"incentive": UNREAD}, "earning", "incentive n/a, "),
        ({"published": Unknown(NOT_PUBLISHED)}, "endpoint", "1.2.3.4:8000, not published"),
        ({"published": UNREAD}, "endpoint", "1.2.3.4:8000, published: n/a"),
        (
            {"published": Published(endpoint="9.9.9.9:1", block=7), "publication": "in a block"},
            "endpoint",
            "9.9.9.9:1 on the chain, 1.2.3.4:8000 in truth, in a block",
        ),
    ],
)
def test_what_the_chain_says(changes: dict[str, Any], label: str, says: str) -> None:
    assert says in lines(chain=chain(**changes))[label]


def test_why_there_is_no_endpoint_is_said_without_advice() -> None:
    lost = Unknown(NOT_KNOWN, "no link → check the cable")
    found = lines(network=network(endpoint=lost))["endpoint"]
    assert found == "1.2.3.4:8000 on the chain, n/a (not known: no link) in truth"


def test_one_who_has_no_uid_is_told_nothing_of_earnings() -> None:
    assert "earning" not in lines(chain=chain(uid=Unknown(NOT_REGISTERED)))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"ipv6": Public(address="2a01::7", source=ECHO, since_at=1.0), "behind_nat": True},
            "1.2.3.4 (this machine's own), 2a01::7 (as echo services see it), behind NAT",
        ),
        ({"ipv4": NOBODY, "ipv6": NOBODY}, "no public one is known"),
        ({"ipv4": Public(address="8.8.8.8", source="moon", since_at=1.0)}, "8.8.8.8 (moon)"),
    ],
)
def test_what_the_address_is(changes: dict[str, Any], says: str) -> None:
    assert INTERFACE == "interface"
    assert lines(network=network(**changes))["address"] == says


def test_what_can_be_reached_from_outside() -> None:
    def outside(*found: Any) -> str:
        return lines(validators=found)["outside"]

    bad = validator(1, ports=ports(p8000="silent", p11000="not_tried"))
    assert outside(bad) == "8000 silent, 11001-11002 closed, says 1 validator"
    # Of two with one word each, the worse.
    assert outside(validator(0), bad).startswith("8000 silent, 11000 ssh, ")
    assert outside(validator(0), bad, validator(2)).startswith("8000 open, ")
    nobody = "no validator has said lately which ports it can reach"
    assert outside(validator(ports=())) == nobody
    assert outside(validator(looked_at=world.NOW - 901)) == nobody
    assert outside(validator(looked_at=UNREAD)) == nobody


def test_ports_of_neighbours_stand_together() -> None:
    assert ports_text({8: "open", 3: "ssh", 1: "ssh", 2: "ssh"}) == "1-3 ssh, 8 open"
    assert ports_text(of_most([])) == ""


def test_how_heartbeats_fare() -> None:
    def heartbeat(*found: Any, **changes: Any) -> str:
        return lines(validators=found, **changes)["heartbeat"]

    dead = validator(1, state="unreachable", replied_at=UNREAD)
    assert heartbeat(validator(0), dead) == "1 of 2 validators answer, the last 12 s ago"
    assert heartbeat(dead) == "0 of 1 validators answer"
    assert heartbeat() == "no validators known"
    assert heartbeat(validator(0), wanted=False) == "none: this machine is not offered"


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("chain_unreachable", "chain"),
        ("not_registered", "uid"),
        ("endpoint_differs", "endpoint"),
        ("address_cgnat", "address"),
        ("ports_closed", "outside"),
        ("clock_off", "heartbeat"),
    ],
)
def test_a_line_names_the_fault_that_bears_on_it(code: str, label: str) -> None:
    found = lines(faults=(world.fault(code=code, gpu_uuid=""),))
    marked = {name for name, text in found.items() if text.endswith(f", see {code}")}
    assert marked == {label}


def test_every_fault_of_the_chain_has_its_line_or_speaks_for_itself() -> None:
    alone = {"no_hotkey", "no_identity", "hotkey_unusable"}
    assert {*ON_LINES} | alone == {kind.code for kind in NETWORK}


def test_verbose_names_the_keys() -> None:
    found = lines(verbose=True)
    assert found["hotkey"] == HOTKEY
    assert found["owner"].endswith(", 1.25 τ for fees")


def test_of_many_validators_the_worst_few() -> None:
    many = [validator(0, hotkey=f"5{n:047d}") for n in range(9)]
    many[7] = validator(3, state="refused", detail="not registered {x}", remedy="register")
    shown = page(validators=tuple(many))
    assert "and 5 more: polarisctl validators" in shown
    assert "\n5CiPPseX…    6  refused " in shown
    assert "5CiPPseX…: refused: not registered {x}\n  → register\n" in shown


@pytest.mark.parametrize(
    ("rao", "shown"),
    [
        (0, "0 τ"),
        (1_250_000_000, "1.25 τ"),
        (100_000, "0.0001 τ"),
        (1, "0.000000001 τ"),
        (123_456_789_012_345, "123456.789 τ"),
        (None, "n/a"),
    ],
)
def test_rao(rao: float | None, shown: str) -> None:
    assert values.tao(rao) == shown
