"""`polarisctl validators`, run as a user runs it, against a scripted daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit import ctl_samples as world
from tests.unit.chain_samples import NAMES, place, validator
from tests.unit.ctl_support import Peer, daemon, run


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    with daemon(tmp_path / "s", snapshot=world.snapshot(**place())) as running:
        yield running


class TestValidators:
    def test_the_table(self, peer: Peer) -> None:
        code, out, err = run(peer, "validators", COLUMNS="132")
        assert (code, err) == (0, "")
        assert out.count("8000 open, 11000 ssh, 11001-11002 closed") == 3
        assert "answer that it signed" in out

    def test_troubles_and_their_remedies(self, peer: Peer) -> None:
        same = {
            "state": "refused",
            "detail": "not registered",
            "remedy": "sudo polarisctl register",
        }
        found = (validator(0), validator(1, **same), validator(2, **same))
        peer.answers["snapshot"] = world.snapshot(**place(validators=found))
        out = run(peer, "validators")[1]
        said = "5FLSigC9…, 5HGjWAeF…: refused: not registered\n  → sudo polarisctl register\n"
        assert said in out
        assert out.index("5FLSigC9…") < out.index("5FHneW46…")

    def test_one_in_full(self, peer: Peer) -> None:
        code, out, _ = run(peer, "validators", NAMES[1][:5])
        assert code == 0
        assert out.startswith(f"validator {NAMES[1]}\n")
        assert "sent              2880 heartbeats since polarisd started\n" in out
        assert "clock             this machine's is 0.0 s ahead of its\n" in out
        assert NAMES[0] not in out

    def test_json(self, peer: Peer) -> None:
        whole = peer.answers["snapshot"]
        assert isinstance(whole, dict)
        assert json.loads(run(peer, "validators", "--json")[1]) == {
            "validators": whole["validators"]
        }
        one = json.loads(run(peer, "validators", NAMES[2], "--json")[1])
        assert one == {"validators": [whole["validators"][2]]}

    @pytest.mark.parametrize(("wanted", "says"), [("9", "cannot find"), ("5F", "fits several")])
    def test_none_or_several(self, peer: Peer, wanted: str, says: str) -> None:
        code, out, err = run(peer, "validators", wanted)
        assert (code, out) == (1, "")
        assert says in err and NAMES[0] in err

    def test_there_are_none(self, peer: Peer) -> None:
        peer.answers["snapshot"] = world.snapshot()
        assert run(peer, "validators") == (0, "no validators\n", "")
        assert "there are none" in run(peer, "validators", "5F")[2]

    def test_a_daemon_of_before(self, peer: Peer) -> None:
        whole = world.snapshot()
        del whole["validators"]
        peer.answers["snapshot"] = whole
        code, out, err = run(peer, "validators")
        assert (code, out) == (1, "")
        assert "cannot list the validators" in err and "restart polarisd" in err
