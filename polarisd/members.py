"""Who is on the subnet, as far as this machine deals with them.  Pure.

Out of the newest metagraph, and of the validators that the owner names in the config.  What
the chain names is only somebody's claim: it must not aim heartbeats at whoever he likes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from polarisd.chain.values import Neuron, Subnet
from polarisd.heartbeat.addresses import Address, owner_of, read_address
from polarisd.heartbeat.peers import Target
from polarisd.heartbeat.reach import is_public

# Of hotkeys that name one address (of IPv6, one /64): more would be a crowd sent to one victim.
MAX_PER_ADDRESS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """`subnet` is None while none was read; where there is no chain, `open_to_all`.
    `may_send` decides about the addresses that the chain names, not about the owner's own."""

    named: tuple[str, ...] = ()
    subnet: Subnet | None = None
    open_to_all: bool = False
    may_send: Callable[[Address], bool] = is_public

    def validators(self) -> tuple[Target, ...]:
        """To whom heartbeats go: those that the owner named, then those with a permit and an
        endpoint that may be sent to, the largest stake first; a few at each address."""
        named = {target.hotkey: target for target in map(_named, self.named)}
        neurons = () if self.subnet is None else self.subnet.neurons
        allowed = [n for n in neurons if n.hotkey not in named and self._may_send_to(n)]
        allowed.sort(key=lambda n: (-n.stake_rao, n.uid))
        return (*named.values(), *map(_on_chain, _few_at_each_address(allowed)))

    def _may_send_to(self, neuron: Neuron) -> bool:
        if not neuron.validator_permit or neuron.axon.endpoint is None:
            return False
        address = read_address(neuron.axon.endpoint.ip)
        return address is not None and self.may_send(address)

    def is_member(self, hotkey: str) -> bool | None:
        """None while no metagraph was read: nobody can tell."""
        if self.open_to_all:
            return True
        return None if self.subnet is None else self.subnet.by_hotkey(hotkey) is not None

    def endpoint_of(self, hotkey: str) -> str | None:
        """What the chain names for this hotkey."""
        neuron = None if self.subnet is None else self.subnet.by_hotkey(hotkey)
        if neuron is None or neuron.axon.endpoint is None:
            return None
        return str(neuron.axon.endpoint)


def _few_at_each_address(neurons: list[Neuron]) -> Iterator[Neuron]:
    """The first of them."""
    count: Counter[str] = Counter()
    for neuron in neurons:
        if neuron.axon.endpoint is not None:
            owner = owner_of(neuron.axon.endpoint.ip)
            count[owner] += 1
            if count[owner] <= MAX_PER_ADDRESS:
                yield neuron


def _named(text: str) -> Target:
    """As in the config, which has checked it: HOTKEY@ADDRESS:PORT."""
    hotkey, _, endpoint = text.partition("@")
    return Target(hotkey=hotkey, endpoint=endpoint)


def _on_chain(neuron: Neuron) -> Target:
    return Target(hotkey=neuron.hotkey, endpoint=str(neuron.axon.endpoint), uid=neuron.uid)
