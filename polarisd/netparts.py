"""The config, in the words of each room that faces the world.  Pure; for `networking`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from polarisd.chain import networks
from polarisd.chain.config import ActorConfig
from polarisd.chain.standing import Membership
from polarisd.config import Config
from polarisd.heartbeat.addresses import Address
from polarisd.heartbeat.document import INDEPENDENT
from polarisd.heartbeat.making import Origin
from polarisd.heartbeat.reach import is_ours, is_public
from polarisd.keys import Hotkey
from polarisd.net.given import Settings
from polarisd.net.kinds import GLOBAL, kind_of
from polarisd.whereabouts import host_in, read_ip

ON_CHAIN = "bittensor"
CHAIN_CACHE = "chain-cache"
# For how long it counts what a validator saw: that, or that many beats if it is longer.
_SIGHTINGS_FRESH_S = 300.0
_BEATS_FRESH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds: between two tries to listen, and for requests to end when the face stops."""

    listen_again_s: float = 10.0
    stop_s: float = 4.0


def is_lab(config: Config) -> bool:
    """Whether nobody on the Internet is meant: no chain, or one of one's own on this machine.

    A node of a public network on this machine is none: its genesis says which chain it is.
    """
    if config.node.mode != ON_CHAIN:
        return True
    known = {network.genesis_hash for network in networks.NETWORKS.values()}
    if config.chain.genesis_hash in known:
        return False
    host = host_in(networks.resolve(config.chain.network).endpoint, "ws", "wss") or ""
    ip = read_ip(host)
    return host == "localhost" if ip is None else ip.is_loopback


def address_settings(config: Config) -> Settings:
    return Settings(
        public_address=config.network.public_address,
        prefer=config.network.prefer,
        port=config.ports.api,
        echo_services=config.network.echo_services,
        sightings_fresh_s=max(_SIGHTINGS_FRESH_S, _BEATS_FRESH * config.heartbeat.interval_s),
    )


def may_connect(
    config: Config, address: Address, *, is_ours: Callable[[Address], bool] = is_ours
) -> bool:
    """Whether a validator may look at ports of that address: of others on the Internet, in no
    disguise; of any in a lab."""
    # What is ours is asked in IPv4 of IPv4, whatever the address is wrapped in.
    plain = read_ip(str(address)) or address
    return is_lab(config) or (may_send(config, plain) and not is_ours(plain))


def may_send(config: Config, address: Address) -> bool:
    """Whether a miner may send heartbeats to that address because the chain names it."""
    if is_lab(config):
        return True
    plain = read_ip(str(address))
    return plain is not None and kind_of(plain) == GLOBAL and is_public(plain)


def actor_config(config: Config, directory: Path) -> ActorConfig:
    """ValueError never: the config's own check has seen the network."""
    network = networks.resolve(config.chain.network)
    return ActorConfig(
        endpoint=network.endpoint,
        fallback_endpoints=config.chain.fallback_endpoints or network.fallback_endpoints,
        genesis_hash=config.chain.genesis_hash,
        cache_dir=directory / CHAIN_CACHE,
    )


def membership(config: Config, hotkey: Hotkey) -> Membership:
    return Membership(
        network=config.chain.network,
        endpoint=networks.resolve(config.chain.network).endpoint,
        netuid=config.chain.netuid,
        genesis_hash=config.chain.genesis_hash,
        hotkey=hotkey.ss58,
    )


def origin_of(config: Config, hotkey: Hotkey) -> Origin:
    """Whose heartbeats these are, and on which subnet of which chain."""
    if config.node.mode != ON_CHAIN:
        return Origin(hotkey=hotkey, network=INDEPENDENT, netuid=0)
    return Origin(hotkey=hotkey, network=config.chain.genesis_hash, netuid=config.chain.netuid)
