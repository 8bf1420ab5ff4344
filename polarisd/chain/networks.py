"""The chain's networks that have a name.  Pure; also for `polarisctl register`.

Endpoints and genesis are those of the SDK, held against it by a test.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """`genesis_hash` is None where it is not known beforehand."""

    name: str
    endpoint: str
    fallback_endpoints: tuple[str, ...] = ()
    genesis_hash: str | None = None


NETWORKS = {
    network.name: network
    for network in (
        Network(
            name="finney",
            endpoint="wss://entrypoint-finney.opentensor.ai:443",
            fallback_endpoints=(
                "wss://lite.chain.opentensor.ai:443",
                "wss://lite.sub.latent.to:443",
            ),
            genesis_hash="0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03",
        ),
        Network(name="test", endpoint="wss://test.finney.opentensor.ai:443"),
        Network(name="local", endpoint="ws://127.0.0.1:9944"),
    )
}


def resolve(network: str) -> Network:
    """A network's name, or the address of a node.  ValueError, with the reason, for all else."""
    if network in NETWORKS:
        return NETWORKS[network]
    if network.startswith(("ws://", "wss://")):
        return Network(name=network, endpoint=network)
    names = ", ".join(NETWORKS)
    raise ValueError(f"{network!r} is neither one of {names} nor a ws:// or wss:// address")
