"""Cases of the doctor's rows about the subnet: key, chain, addresses, the way in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from polarisctl.doctor.addresses import Own
from polarisctl.doctor.daemon import Daemon
from polarisctl.doctor.finding import FAILURE, OK, SKIPPED, UNKNOWN, WARNING
from polarisctl.doctor.membership import Keyfile, Nodes
from polarisctl.doctor.network import Firewall
from polarisd.api.encode import to_wire
from tests.unit.chain_samples import chain, network, ports, validator
from tests.unit.doctor_cases_machine import BROKEN, DENIED, SETTINGS
from tests.unit.doctor_cases_service import HELLO, refused
from tests.unit.doctor_support import Case, case

CHAIN = {"network": "finney", "netuid": 49, "genesis_hash": "0x2f", "subnet_name": "Polaris"}
DOWN = refused("not_running")
HOTKEY = chain().hotkey


def _settings(mode: str, **sections: dict[str, object]) -> Any:
    return replace(SETTINGS, mode=mode, values=sections)


def _daemon(*faults: object, **sections: object) -> Daemon:
    wired = {key: to_wire(value) for key, value in sections.items()}
    return Daemon("/run/x.sock", HELLO, {"faults": list(faults), **wired}, {})


MEMBER = _settings("bittensor", chain=CHAIN)
ALONE = _settings("independent")


def _chain_case(verdict: str, says: str, mode: str = "bittensor", **changed: object) -> Case:
    section = {key: value for key, value in {**CHAIN, **changed}.items() if value is not None}
    return case("chain-settings", verdict, says, settings=_settings(mode, chain=section))


CHAIN_CASES = [
    _chain_case(OK, 'netuid 49 of finney, "Polaris"'),
    _chain_case(WARNING, "nobody has confirmed", subnet_name=""),
    _chain_case(FAILURE, "without chain.netuid, chain.genesis_hash", netuid=0, genesis_hash=None),
    case("chain-settings", FAILURE, "polarisctl register", settings=_settings("bittensor")),
    _chain_case(SKIPPED, "mode independent needs no chain", "independent"),
    case("chain-settings", FAILURE, "commune.python", settings=_settings("commune")),
    case(
        "chain-settings",
        OK,
        "through /opt/python",
        settings=_settings("commune", commune={"python": "/opt/python"}),
    ),
]


def _key_case(
    verdict: str, says: str, file: object, *, settings: Any = MEMBER, daemon: Daemon = DOWN
) -> Case:
    return case("hotkey", verdict, says, hotkey=file, settings=settings, daemon=daemon)


KEY = Keyfile(HOTKEY, "")

HOTKEY_CASES = [
    _key_case(OK, HOTKEY, KEY),
    _key_case(OK, HOTKEY, KEY, daemon=_daemon(chain=chain())),
    _key_case(OK, HOTKEY, KEY, daemon=_daemon()),
    _key_case(OK, "in another way", None, daemon=_daemon(chain=chain())),
    _key_case(OK, "without its address", Keyfile("", "")),
    _key_case(WARNING, "runs without", KEY, daemon=_daemon(chain=chain(hotkey=""))),
    _key_case(WARNING, "restart polarisd", KEY, daemon=_daemon(chain=chain(hotkey="5X"))),
    _key_case(FAILURE, "it is encrypted", Keyfile("", "it is encrypted")),
    _key_case(FAILURE, "polarisctl register", None),
    _key_case(UNKNOWN, "sudo", DENIED),
    _key_case(SKIPPED, "register makes one", None, settings=ALONE),
]

NODE_CASES = [
    case(
        "node-names",
        OK,
        "a.example, b.example",
        nodes=Nodes({"a.example": True, "b.example": True}),
    ),
    case(
        "node-names",
        WARNING,
        "b.example: not",
        nodes=Nodes({"a.example": True, "b.example": False}),
    ),
    case("node-names", FAILURE, "getent ahosts a.example", nodes=Nodes({"a.example": False})),
    case("node-names", UNKNOWN, "output", nodes=Nodes({"a.example": BROKEN})),
    case("node-names", UNKNOWN, "getent is not", nodes=Nodes({"a.example": None})),
    case("node-names", SKIPPED, "no node", nodes=Nodes({})),
]


def _address_case(
    verdict: str, says: str, own: object, *, configured: str = "", daemon: Daemon = DOWN
) -> Case:
    settings = _settings("bittensor", network={"public_address": configured})
    return case("public-address", verdict, says, addresses=own, settings=settings, daemon=daemon)


def _own(*addresses: str, interface: str = "eth0") -> tuple[Own, ...]:
    return tuple(Own(interface, address) for address in addresses)


BRIDGE = Own("docker0", "172.17.0.1")

ADDRESS_CASES = [
    _address_case(OK, "5.6.7.8, as configured", BROKEN, configured="5.6.7.8"),
    _address_case(WARNING, "which is not public", BROKEN, configured="10.0.0.1"),
    _address_case(WARNING, "which is not public", BROKEN, configured="odd"),
    _address_case(OK, "1.2.3.4 (interface)", BROKEN, daemon=_daemon(network=network())),
    _address_case(OK, "5.6.7.8 on eth0", (*_own("192.168.1.5", "5.6.7.8"), BRIDGE)),
    _address_case(OK, "2a01::7 on eth0", _own("2a01::7")),
    _address_case(WARNING, "forward TCP 8000 and 11000-11002", (*_own("192.168.1.5"), BRIDGE)),
    _address_case(FAILURE, "CGNAT", _own("100.64.3.4")),
    _address_case(FAILURE, "no interface has", (BRIDGE,)),
    _address_case(UNKNOWN, "output", BROKEN),
    _address_case(UNKNOWN, "iproute2", None),
]


def _reach_case(verdict: str, says: str, daemon: Daemon, firewall: Firewall | None = None) -> Case:
    known = firewall or Firewall(None)
    return case("reachable", verdict, says, daemon=daemon, firewall=known, settings=SETTINGS)


CLOSED = {"code": "ports_closed", "text": "2 of 3 validators cannot", "remedy": "forward them"}
LOOKED = _daemon(validators=(validator(0),))

REACH_CASES = [
    _reach_case(OK, "a validator reaches it", LOOKED),
    _reach_case(OK, "2 validators reach it", _daemon(validators=(validator(0), validator(1)))),
    _reach_case(FAILURE, "nft list ruleset", _daemon(CLOSED)),
    _reach_case(FAILURE, "ufw allow 8000,11000:11002/tcp", _daemon(CLOSED), Firewall(True)),
    _reach_case(
        FAILURE, "--add-port=11000-11002/tcp", _daemon(CLOSED), Firewall(False, firewalld=True)
    ),
    _reach_case(SKIPPED, "does not answer", DOWN),
    _reach_case(SKIPPED, "no validator has said", _daemon()),
    _reach_case(
        SKIPPED,
        "no validator has said",
        _daemon(
            validators=(
                validator(
                    ports=ports(
                        **dict.fromkeys(("p8000", "p11000", "p11001", "p11002"), "not_tried")
                    )
                ),
            )
        ),
    ),
]

CASES: list[Case] = [*CHAIN_CASES, *HOTKEY_CASES, *NODE_CASES, *ADDRESS_CASES, *REACH_CASES]
