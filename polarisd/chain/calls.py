"""The chain's calls that Polaris makes, as the SDK composes them: (pallet, function, arguments).

Pure; for `actor` and `weights`.  Names and arguments are the runtime's.
"""

from __future__ import annotations

from typing import Any

from polarisd.chain.values import AXON_PROTOCOL, Endpoint

Call = tuple[str, str, dict[str, Any]]

_SUBTENSOR = "SubtensorModule"
_AXON_VERSION = 1
# Of timelocked weights; the only one that the chain has opened since it has them.
_COMMIT_REVEAL_VERSION = 4


def serve(netuid: int, endpoint: Endpoint, certificate: bytes | None) -> Call:
    """`certificate` is the chain's own kind: a byte that names the algorithm, then a key."""
    address = endpoint.address
    arguments = {
        "netuid": netuid,
        "version": _AXON_VERSION,
        "ip": int(address),
        "port": endpoint.port,
        "ip_type": address.version,
        "protocol": AXON_PROTOCOL,
        "placeholder1": 0,
        "placeholder2": 0,
    }
    if certificate is None:
        return _SUBTENSOR, "serve_axon", arguments
    return _SUBTENSOR, "serve_axon_tls", {**arguments, "certificate": list(certificate)}


def withdraw(netuid: int) -> Call:
    """The chain has no call to remove an endpoint: 0.0.0.0:1 stands for none."""
    arguments = {
        "netuid": netuid,
        "version": 0,
        "ip": 0,
        "port": 1,
        "ip_type": 4,
        "protocol": AXON_PROTOCOL,
        "placeholder1": 0,
        "placeholder2": 0,
    }
    return _SUBTENSOR, "serve_axon", arguments


REGISTER_LIMIT = (_SUBTENSOR, "register_limit")


def register(netuid: int, hotkey: str, most_rao: int | None) -> Call:
    """With `most_rao` the chain itself refuses to take more; older runtimes cannot."""
    if most_rao is None:
        return _SUBTENSOR, "burned_register", {"netuid": netuid, "hotkey": hotkey}
    arguments = {"netuid": netuid, "hotkey": hotkey, "limit_price": most_rao}
    return _SUBTENSOR, "register_limit", arguments


def carry(ciphertext: bytes) -> Call:
    return "MevShield", "submit_encrypted", {"ciphertext": ciphertext}


def set_weights(netuid: int, uids: list[int], values: list[int], version_key: int) -> Call:
    arguments = {
        "netuid": netuid,
        "mecid": 0,
        "dests": uids,
        "weights": values,
        "version_key": version_key,
    }
    return _SUBTENSOR, "set_mechanism_weights", arguments


def commit_weights(netuid: int, commit: bytes, reveal_round: int) -> Call:
    arguments = {
        "netuid": netuid,
        "mecid": 0,
        "commit": commit,
        "reveal_round": reveal_round,
        "commit_reveal_version": _COMMIT_REVEAL_VERSION,
    }
    return _SUBTENSOR, "commit_timelocked_mechanism_weights", arguments
