"""The faults of a machine on its chain and in its network: rows of the catalogue.

`chain_signs` and `network_signs` say which of them hold.
"""

from __future__ import annotations

from polarisd.health.kind import error as _error
from polarisd.health.kind import notice as _notice
from polarisd.health.kind import warning as _warning

CONFIG = "/etc/polaris/polaris.toml"
# To publish takes a block or two, and a block to be seen.
_PUBLISHING_S = 120.0
_PUBLISHES = (
    "nothing has to be done where the text says when; polarisd publishes it by itself as soon "
    "as it may. If it goes on failing, see: polarisctl logs"
)

_IDENTITY = (
    _error(
        "no_hotkey",
        "there is no hotkey on this machine, so it is a member of no subnet and not offered",
        "sudo polarisctl register",
    ),
    _notice(
        "no_identity",
        "there is no hotkey on this machine, so it sends no heartbeats and nobody can reach it",
        "to have one made here: sudo polarisctl register",
    ),
    _error("hotkey_unusable", "{detail}", "{remedy}"),
    _error(
        "not_registered",
        "hotkey {hotkey} has no UID on netuid {netuid} of {network}: it was never registered "
        "there, or a newer one has taken its place",
        "sudo polarisctl register",
    ),
)

_CHAIN = (
    _warning(
        "chain_unreachable",
        "the chain cannot be reached: {detail}",
        "check this machine's connection and its DNS; chain.fallback_endpoints in "
        f"{CONFIG} can name other nodes; polarisd keeps trying",
        visible_after_s=60.0,
    ),
    _warning(
        "chain_stalled",
        "the node of the chain answers, but its chain does not move: {detail}",
        "wait: polarisd keeps asking; chain.fallback_endpoints in "
        f"{CONFIG} can name other nodes for it to turn to",
    ),
    _error(
        "chain_refused",
        "polarisd does not work with this node: {detail}",
        f"check chain.network and chain.genesis_hash in {CONFIG}; where the chain itself was "
        "upgraded, install a newer Polaris",
    ),
    _warning(
        "chain_unread",
        "blocks arrive, but what the chain says of this machine cannot be read: {detail}",
        "the node may answer only so often: name others in chain.fallback_endpoints in "
        f"{CONFIG}; polarisd keeps asking",
        visible_after_s=120.0,
    ),
    _warning(
        "endpoint_not_published",
        "the chain names no endpoint for this machine, so nobody there can find it{why}",
        _PUBLISHES,
        visible_after_s=_PUBLISHING_S,
    ),
    _warning(
        "endpoint_differs",
        "the chain names {published}, but this machine is found at {endpoint}{why}",
        _PUBLISHES,
        visible_after_s=_PUBLISHING_S,
    ),
    _warning(
        "owner_funds_low",
        "the owner's coldkey {coldkey} holds {balance_tao:.6f} TAO, and pays the fee whenever "
        "this machine's endpoint is published",
        "send some TAO to that address: {enough_tao:g} TAO last for long",
    ),
    _warning(
        "subnet_renamed",
        'netuid {netuid} is called "{name}" now, and was "{confirmed}" when this machine was '
        "registered",
        "find out whether it still is your subnet. If so, write the new name as "
        f"chain.subnet_name into {CONFIG} and run: sudo systemctl reload polarisd. If not: "
        "sudo polarisctl unregister",
    ),
    _notice(
        "runtime_changed",
        "the chain's runtime was upgraded from version {before} to {after} while polarisd ran",
        "nothing has to be done while all else is well; this notice ends with: "
        "sudo systemctl restart polarisd",
    ),
)

_ADDRESS = (
    _warning(
        "public_address_unknown",
        "it is not known under which address the world finds this machine: {detail}",
        f"set network.public_address in {CONFIG}, or at least two network.echo_services",
        visible_after_s=60.0,
    ),
    _warning(
        "address_private",
        "this machine is behind a router that translates addresses, whose own is not known: "
        "{detail}",
        f"set network.public_address in {CONFIG} to the router's public address, or at least two "
        "network.echo_services; and have the router forward this machine's ports",
        visible_after_s=60.0,
    ),
    _warning(
        "address_cgnat",
        "nobody can reach this machine from outside: {detail}",
        "ask the provider for a public IPv4 address of your own, or use IPv6: network.prefer = "
        f'"ipv6" in {CONFIG}',
        visible_after_s=60.0,
    ),
    _warning(
        "address_configured_not_public",
        "network.public_address is {address}, which is no public address ({kind})",
        f"correct it in {CONFIG}, or leave it empty to have it found out; then: "
        "sudo systemctl reload polarisd",
    ),
    _warning(
        "endpoint_private",
        "others are told to find this machine at {endpoint}, which only those nearby can reach",
        f"set network.public_address in {CONFIG}, unless all who shall reach it are nearby",
    ),
    _error(
        "api_port_taken",
        "polarisd cannot listen on its API port {port}, so nobody can reach it: {detail}",
        "see who holds it: sudo ss -ltnp 'sport = :{port}'; end that, or set another ports.api in "
        f"{CONFIG}; polarisd keeps trying",
    ),
)

_VALIDATORS = (
    _warning(
        "ports_closed",
        "{count} of {asked} validators cannot reach this machine's {ports}",
        "{how}",
        visible_after_s=60.0,
    ),
    _warning("heartbeats_not_sent", "no heartbeats are sent: {detail}", "{remedy}"),
    _warning(
        "no_validators",
        "no validator is known to send heartbeats to: none on this netuid has a permit and a "
        "public endpoint",
        f"wait, if the subnet is young; heartbeat.validators in {CONFIG} can name some",
        visible_after_s=300.0,
    ),
    _warning(
        "validators_silent",
        "no validator has taken a heartbeat for {minutes:.0f} min ({count} known): {why}",
        "{remedy}",
    ),
    _warning(
        "clock_off",
        "this machine's clock is {seconds:.1f} s {way} {whose}; what is signed more than "
        "10 s ago, or 2 s ahead, is refused",
        "sudo timedatectl set-ntp true; then see: timedatectl timesync-status",
        visible_after_s=60.0,
    ),
)

NETWORK = (*_IDENTITY, *_CHAIN, *_ADDRESS, *_VALIDATORS)
