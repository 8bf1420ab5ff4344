"""No word about addresses in the configuration ends a daemon that runs."""

from __future__ import annotations

import pytest

from tests.daemon.client import Refused
from tests.daemon.conftest import PolarisdFactory
from tests.fakes.nvml.fixtures import FakeNvmlFactory

SEED = bytes([1]) * 32
HERE = {"listen_address": "127.0.0.1"}


def test_what_a_reload_cannot_mean_is_refused_and_the_rest_taken(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100"), start=False)
    daemon.give_hotkey(SEED, network={**HERE, "public_address": "127.0.0.1"})
    ports = {"ports": {"api": daemon.api_port}}
    daemon.start()
    with daemon.client() as client:
        client.until(lambda s: s["network"]["endpoint"] == f"127.0.0.1:{daemon.api_port}")
        assert client.snapshot()["network"]["behind_nat"]["unknown"] == "not_known"
        refused: tuple[dict[str, object], ...] = (
            {"public_address": "::ffff:0.0.0.0"},
            {"public_address": "::ffff:224.0.0.1"},
            {"echo_services": ["http://[:::]/", "http://a.example/"]},
        )
        for network in refused:
            daemon.configure({**ports, "network": {**HERE, **network}})
            with pytest.raises(Refused, match="network"):
                client.call("reload")
        daemon.configure({**ports, "network": {**HERE, "public_address": "::ffff:5.9.10.2"}})
        assert client.call("reload")["changed"] == ["network.public_address"]
        client.until(lambda s: s["network"]["endpoint"] == f"5.9.10.2:{daemon.api_port}")
    assert daemon.stop() == 0
