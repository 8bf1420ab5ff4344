"""The first block: who has what, and which subnets there are."""

from __future__ import annotations

from tests.devnode import hyper
from tests.devnode.blocks import NO_PARENT, Block
from tests.devnode.codec import Codec
from tests.devnode.keys import address
from tests.devnode.ledger import Ledger
from tests.devnode.options import Options
from tests.devnode.scale import blake2
from tests.devnode.shield import Shield
from tests.devnode.state import State

RAO = 10**9
ENDOWED = {
    "//Alice": 1_000_000,
    "//Bob": 1_000_000,
    "//Charlie": 1_000,
    "//Dave": 1_000,
    "//Eve": 1_000,
    "//Ferdie": 1_000,
}
SUDO = "//Alice"
SUBNET_OWNER_HOTKEY = "//Alice/owner"
IDENTITY_TEXTS = (
    "github_repo", "subnet_contact", "subnet_url", "discord", "description", "logo_url",
    "additional",
)  # fmt: skip


def block(options: Options, codec: Codec, shield: Shield) -> Block:
    """The same options make the same hash, and others another."""
    state = State(codec, {})
    ledger = Ledger(state, 0)
    for who, tao in ENDOWED.items():
        ledger.set_account(address(who), free=tao * RAO)
    state.put("Balances", "TotalIssuance", value=sum(ENDOWED.values()) * RAO)
    state.put("Sudo", "Key", value=address(SUDO))
    state.put("MevShield", "NextKey", value=list(shield.public_key))
    state.put("System", "Events", value=[])
    state.put("System", "Number", value=0)
    names = {0: "root", **options.netuids}
    for netuid, name in names.items():
        add_subnet(ledger, netuid, name)
    ledger.put("TotalNetworks", value=len(names))
    identity = repr((options.seed, options.spec_version, sorted(options.netuids.items())))
    return Block(
        number=0,
        parent=NO_PARENT,
        state_root=blake2(identity.encode() + codec.metadata),
        extrinsics=[],
        slot=0,
        spec_version=codec.spec_version,
        values=state.values,
    )


def add_subnet(ledger: Ledger, netuid: int, name: str) -> None:
    ledger.put("NetworksAdded", netuid, value=True)
    ledger.put("SubnetworkN", netuid, value=0)
    ledger.put("SubnetOwner", netuid, value=address(SUDO))
    ledger.put("SubnetOwnerHotkey", netuid, value=address(SUBNET_OWNER_HOTKEY))
    ledger.put("SubtokenEnabled", netuid, value=True)
    ledger.put("FirstEmissionBlockNumber", netuid, value=1)
    ledger.put("TokenSymbol", netuid, value=list("τ".encode() if netuid == 0 else "π".encode()))
    hyper.set_up(ledger, netuid)
    set_name(ledger, netuid, name)


def set_name(ledger: Ledger, netuid: int, name: str) -> None:
    """By its identity on the chain; empty for a subnet that has published none."""
    if not name:
        ledger.state.kill("SubtensorModule", "SubnetIdentitiesV3", netuid)
        return
    texts: dict[str, list[int]] = {field: [] for field in IDENTITY_TEXTS}
    ledger.put("SubnetIdentitiesV3", netuid, value={**texts, "subnet_name": list(name.encode())})
