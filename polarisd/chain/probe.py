"""Whether a node is one that we can work with: of the right chain, its runtime understood.

Pure; for `line`, after each opening of the connection and each change of the runtime.
What is asked for here is what `reads`, `calls` and `weights` use; a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisd.chain.failures import fail
from polarisd.chain.outcomes import Failed
from polarisd.chain.values import Identity

# Without these nothing works.
STORAGE = frozenset(
    {
        ("System", "Account"),
        ("System", "Events"),
        *(
            ("SubtensorModule", item)
            for item in ("Axons", "Burn", "Owner", "ServingRateLimit", "Uids")
        ),
    }
)
CALLS = frozenset({("SubtensorModule", "serve_axon")})
RUNTIME_CALLS = frozenset({("SubnetInfoRuntimeApi", "get_metagraph")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a runtime has, as (pallet, name) or (API, method)."""

    storage: frozenset[tuple[str, str]]
    calls: frozenset[tuple[str, str]]
    runtime_calls: frozenset[tuple[str, str]]


def check(identity: Identity, has: Abilities, genesis_hash: str | None) -> Failed | None:
    """`genesis_hash` is that of the chain that was registered on; empty if there is none."""
    if genesis_hash and identity.genesis_hash.lower() != genesis_hash.lower():
        found, wanted = identity.genesis_hash, genesis_hash
        return fail("wrong_chain", f"its genesis is {found}, {wanted} is wanted")
    lacking = sorted(
        [*(STORAGE - has.storage), *(CALLS - has.calls), *(RUNTIME_CALLS - has.runtime_calls)]
    )
    if lacking:
        names = ", ".join(".".join(pair) for pair in lacking)
        return fail("not_understood", f"version {identity.spec_version} has no {names}")
    return None
