"""What the chain says of this machine, as the snapshot shows it.  Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from polarisd.api.chain import Chain, Published
from polarisd.api.reading import NOT_PUBLISHED, NOT_REGISTERED, Reading, Unknown
from polarisd.chain.port import Link
from polarisd.chain.values import Axon, Head, Neuron, Subnet, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """Which subnet this machine is to be a member of, by which key and through which node."""

    network: str
    endpoint: str
    netuid: int
    genesis_hash: str
    hotkey: str


def before_any_look(membership: Membership) -> Chain:
    return Chain(
        network=membership.network,
        endpoint=membership.endpoint,
        netuid=membership.netuid,
        genesis_hash=membership.genesis_hash,
        hotkey=membership.hotkey,
    )


def with_link(chain: Chain, link: Link) -> Chain:
    """What was known of the runtime stays while the node is away."""
    identity = link.identity
    if identity is not None:
        chain = replace(
            chain, genesis_hash=identity.genesis_hash, spec_version=identity.spec_version
        )
    detail = "" if link.why is None else link.why.text
    return replace(chain, state=link.state, detail=detail, endpoint=link.endpoint)


def with_head(chain: Chain, head: Head, now: float) -> Chain:
    return replace(chain, block=head.number, block_at=now)


def with_unread(chain: Chain, why: str) -> Chain:
    """After any look: why what was looked for could not be read, empty if it was."""
    return replace(chain, unread=why)


def with_place(chain: Chain, uid: int | None, axon: Axon | None, now: float) -> Chain:
    """After the short look: the UID and the endpoint that the chain names.  It counts as read
    only where the rest can be read, too."""
    if uid is None:
        missing = Unknown(NOT_REGISTERED)
        chain = replace(
            chain,
            registered_block=missing,
            immune_until_block=missing,
            validator_permit=missing,
            incentive=missing,
            emission_rao=missing,
        )
    return replace(
        chain,
        uid=Unknown(NOT_REGISTERED) if uid is None else uid,
        published=_published(axon),
        read_at=chain.read_at if chain.unread else now,
    )


def _published(axon: Axon | None) -> Reading[Published]:
    if axon is None or axon.endpoint is None:
        return Unknown(NOT_PUBLISHED)
    return Published(endpoint=str(axon.endpoint), block=axon.block)


def with_subnet(chain: Chain, subnet: Subnet, terms: Terms | None) -> Chain:
    """After the long look: the metagraph, and what the subnet asks of its members."""
    chain = replace(chain, subnet_name=subnet.name)
    neuron = subnet.by_hotkey(chain.hotkey)
    return chain if neuron is None else _with_neuron(chain, neuron, terms)


def _with_neuron(chain: Chain, neuron: Neuron, terms: Terms | None) -> Chain:
    if terms is not None:
        until = neuron.registered_block + terms.immunity_blocks
        chain = replace(chain, immune_until_block=until)
    return replace(
        chain,
        registered_block=neuron.registered_block,
        validator_permit=neuron.validator_permit,
        incentive=neuron.incentive,
        emission_rao=neuron.emission_rao,
        owner_coldkey=neuron.coldkey,
    )


def why_not_offered(chain: Chain) -> str:
    """Why a machine that stands so cannot be offered, empty if it can be.  What cannot be
    told, with the chain out of reach, keeps nobody from it."""
    if not chain.hotkey:
        return "this machine is not registered: it has no hotkey"
    if chain.uid == Unknown(NOT_REGISTERED):
        return f"this machine is not registered: {chain.hotkey} has no UID on subnet {chain.netuid}"
    return ""
