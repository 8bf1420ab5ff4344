"""Weights: what is refused; and epochs, which give the permits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.devnode.client import DevNode
from tests.devnode.sdk import Connect, calls, failure, wallet

PLAIN: dict[str, Any] = {"netuid": 49, "mecid": 0, "dests": [1], "weights": [1], "version_key": 0}


def put(client: Any, who: str = "//Alice", **changes: Any) -> Any:
    call = calls.set_mechanism_weights(**{**PLAIN, **changes})
    return client.submit_call(call, wallet(who), signer="hotkey")


@pytest.fixture
def subnet(instant_devnode: DevNode, connect: Connect) -> tuple[DevNode, Any]:
    """Alice may set weights on 49, Bob may not; no rate limit."""
    node = instant_devnode
    node.register(49, "//Alice/hot", "//Alice", stake_tao=10, permit=True)
    node.register(49, "//Bob/hot", "//Bob", stake_tao=1)
    node.hyper(49, weights_rate_limit=0)
    return node, connect(node)


def test_refusals(subnet: tuple[DevNode, Any]) -> None:
    node, client = subnet
    cases: list[tuple[dict[str, Any], str]] = [
        ({"weights": [1, 2]}, "WeightVecNotEqualSize"),
        ({"netuid": 50}, "SubnetNotExists"),
        ({"mecid": 1}, "MechanismDoesNotExist"),
        ({"dests": [0, 1, 2], "weights": [1, 1, 1]}, "UidsLengthExceedUidsInSubNet"),
        ({"netuid": 0}, "CanNotSetRootNetworkWeights"),
        ({"dests": [1, 1], "weights": [1, 1]}, "DuplicateUids"),
        ({"dests": [5]}, "UidVecContainInvalidOne"),
    ]
    for changes, name in cases:
        assert failure(put(client, **changes))[1] == name, changes
    assert failure(put(client, "//Bob", dests=[0]))[1] == "NeuronNoValidatorPermit"
    assert put(client, "//Bob", dests=[1]).success  # his own weight he may set
    node.fund("//Dave/hot", 1)
    assert failure(put(client, "//Dave"))[1] == "HotKeyNotRegisteredInSubNet"
    node.hyper(49, weights_version=3)
    assert failure(put(client))[1] == "IncorrectWeightVersionKey"
    assert put(client, version_key=3).success
    node.hyper(49, min_allowed_weights=2)
    assert failure(put(client, version_key=3))[1] == "WeightVecLengthIsLow"
    node.hyper(49, min_allowed_weights=1, max_weights_limit=40_000)
    assert failure(put(client, version_key=3))[1] == "MaxWeightExceeded"


def test_refused_by_the_pool(subnet: tuple[DevNode, Any]) -> None:
    node, client = subnet
    node.hyper(49, weights_rate_limit=100)
    assert put(client).error is not None
    assert node.submissions()[-1].refused is not None
    node.mine(100)
    assert put(client).success
    assert failure(put(client)) == ("rate_limited", "RateLimitExceeded")
    node.set("SubtensorModule", "StakeThreshold", [], 11 * 10**9)
    assert failure(put(client))[1] == "StakeAmountTooLow"
    assert len(node.extrinsics()) == 1


def test_commit_reveal_refuses_plain_and_the_other_way_round(subnet: tuple[DevNode, Any]) -> None:
    node, client = subnet
    commit = {"netuid": 49, "mecid": 0, "commit": b"sealed", "reveal_round": 9}

    def send(**changes: Any) -> Any:
        call = calls.commit_timelocked_mechanism_weights(
            **{**commit, "commit_reveal_version": 4, **changes}
        )
        return client.submit_call(call, wallet("//Alice"), signer="hotkey")

    assert failure(send())[1] == "CommitRevealDisabled"
    node.hyper(49, commit_reveal_weights_enabled=True)
    assert failure(put(client))[1] == "CommitRevealEnabled"
    assert failure(send(commit_reveal_version=3))[1] == "IncorrectCommitRevealVersion"
    node.set("Drand", "LastStoredRound", [], 10)
    assert failure(send())[1] == "InvalidRevealRound"
    for round_ in range(10, 20):
        assert send(reveal_round=round_).success
    assert failure(send(reveal_round=20))[1] == "TooManyUnrevealedCommits"


def test_epoch_gives_permits_by_stake(still_devnode: DevNode) -> None:
    node = still_devnode
    node.hyper(49, tempo=10, max_validators=2)
    for stake, name in enumerate(("//Alice", "//Bob", "//Charlie", "//Dave")):
        node.register(49, f"{name}/hot", name, stake_tao=stake)
    node.mine(9)
    assert node.get("SubtensorModule", "ValidatorPermit", 49) == [False] * 4
    assert node.get("SubtensorModule", "BlocksSinceLastStep", 49) == 9
    node.mine()
    assert node.get("SubtensorModule", "ValidatorPermit", 49) == [False, False, True, True]
    assert node.get("SubtensorModule", "BlocksSinceLastStep", 49) == 0
    assert node.get("SubtensorModule", "SubnetEpochIndex", 49) == 1
    assert node.get("SubtensorModule", "LastEpochBlock", 49) == 10


def test_epoch_pays_by_weight_and_stake(still_devnode: DevNode) -> None:
    node = still_devnode
    node.hyper(49, tempo=10)
    node.register(49, "//Alice/hot", "//Alice", stake_tao=3, permit=True)
    node.register(49, "//Bob/hot", "//Bob", stake_tao=1, permit=True)
    for name in ("//Charlie", "//Dave"):
        node.register(49, f"{name}/hot", name)
    node.set("SubtensorModule", "Weights", [49, 0], [[2, 65535]])
    node.set("SubtensorModule", "Weights", [49, 1], [[3, 65535], [1, 65535]])
    node.mine(10)
    emission = node.get("SubtensorModule", "Emission", 49)
    # 10 alpha: half by stake, half by what the stakes say; a weight of one's own counts not
    assert emission == [3_750_000_000, 1_250_000_000, 3_750_000_000, 1_250_000_000]
    incentive = node.get("SubtensorModule", "Incentive", 49)
    assert [round(share / 65535, 2) for share in incentive] == [0, 0, 0.75, 0.25]


def test_next_epoch_as_the_sdk_reads_it(still_devnode: DevNode, connect: Connect) -> None:
    node, client = still_devnode, connect(still_devnode)
    node.hyper(49, tempo=10)
    node.mine(4)
    status = client.epochs.epoch_status(netuid=49)
    assert (status["next_epoch_start_block"], status["blocks_remaining"]) == (10, 6)
    node.mine(6)
    assert client.epochs.blocks_until_next_epoch(netuid=49) == 10
    node.set("SubtensorModule", "PendingEpochAt", [49], 13)
    assert client.epochs.blocks_until_next_epoch(netuid=49) == 3
    node.mine(3)
    assert client.epochs.epoch_status(netuid=49)["epoch_index"] == 2
