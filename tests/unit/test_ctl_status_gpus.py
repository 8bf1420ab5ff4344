"""`polarisctl status` and `gpus`, run as a user runs them, against a scripted daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from polarisctl.naming import find
from polarisd.api.reading import Unknown
from tests.unit import ctl_samples as world
from tests.unit.ctl_support import Peer, asked, daemon, run


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    with daemon(tmp_path / "s", snapshot=world.snapshot()) as running:
        yield running


class TestStatus:
    def test_a_healthy_machine(self, peer: Peer) -> None:
        code, out, err = run(peer, "status")
        assert (code, err) == (0, "")
        assert "ok, no faults" in out
        assert "H100 80GB HBM3" in out
        assert "n/a" not in out
        assert asked(peer) == [("snapshot", {})]

    @pytest.mark.parametrize(("severity", "code"), [("error", 5), ("warning", 0), ("notice", 0)])
    def test_only_errors_make_it_unhealthy(self, peer: Peer, severity: str, code: int) -> None:
        peer.answers["snapshot"] = world.snapshot(faults=(world.fault(severity=severity),))
        assert run(peer, "status")[0] == code
        assert run(peer, "status", "--json")[0] == code

    def test_json_is_the_snapshot_as_it_came(self, peer: Peer) -> None:
        code, out, _ = run(peer, "status", "--json")
        assert json.loads(out) == peer.answers["snapshot"]
        assert code == 0

    def test_the_width_is_that_of_the_user(self, peer: Peer) -> None:
        code, out, _ = run(peer, "status", "-v", COLUMNS="60")
        assert code == 0
        assert max(map(len, out.splitlines())) <= 60
        assert "/etc/polaris/polaris.toml" in out

    def test_ascii_where_the_locale_is_not_utf8(self, peer: Peer) -> None:
        faulty = world.snapshot(faults=(world.fault(),))
        peer.answers["snapshot"] = faulty
        assert run(peer, "status", LANG="C")[1].isascii()
        assert "→" in run(peer, "status")[1]


class TestGpus:
    def test_the_table(self, peer: Peer) -> None:
        code, out, _ = run(peer, "gpus")
        assert code == 0
        assert [uuid for n in range(8) if (uuid := world.uuid_of(n)) not in out] == []

    def test_json(self, peer: Peer) -> None:
        whole = peer.answers["snapshot"]
        assert isinstance(whole, dict)
        code, out, _ = run(peer, "gpus", "--json")
        assert json.loads(out) == {"gpus": whole["gpus"], "driver": whole["driver"]}
        assert code == 0
        one = json.loads(run(peer, "gpus", "3", "--json")[1])
        assert one == {"gpus": [whole["gpus"][3]], "driver": whole["driver"]}

    @pytest.mark.parametrize("wanted", ["3", world.uuid_of(3), "GPU-00000003"])
    def test_one_in_full(self, peer: Peer, wanted: str) -> None:
        code, out, _ = run(peer, "gpus", wanted)
        assert code == 0
        assert out.startswith("GPU 3: NVIDIA H100 80GB HBM3\n")
        assert "fan                         n/a (not supported)\n" in out
        assert world.uuid_of(2) not in out

    def test_all_in_full(self, peer: Peer) -> None:
        out = run(peer, "gpus", "--verbose")[1]
        assert [out.count(f"GPU {n}: NVIDIA") for n in range(8)] == [1] * 8

    @pytest.mark.parametrize(
        ("wanted", "text"), [("9", "cannot find a GPU 9"), ("GPU-0", "fits several")]
    )
    def test_none_or_several(self, peer: Peer, wanted: str, text: str) -> None:
        code, out, err = run(peer, "gpus", wanted)
        assert (code, out) == (1, "")
        assert text in err
        assert world.uuid_of(7) in err

    @pytest.mark.parametrize(
        ("state", "reason"),
        [("lost", "gpu lost"), ("missing", "gpu missing"), ("silent", "timed out")],
    )
    def test_what_nobody_can_know_is_not_shown(self, peer: Peer, state: str, reason: str) -> None:
        """Also where the condition of such a GPU came as it was read once."""
        still = world.condition(processes=())
        peer.answers["snapshot"] = world.snapshot(
            gpus=(world.gpu(0), world.gpu(1, state=state, condition=still))
        )
        table = run(peer, "gpus")[1]
        assert "limit n/a" in table
        assert "processes n/a" in table
        assert "no processes" not in table
        assert f"n/a: power limit, processes of GPU 1: {reason}" in table
        one = run(peer, "gpus", "1")[1]
        assert f"processes: n/a ({reason})" in one
        assert f"persistence mode            n/a ({reason})" in one
        whole = peer.answers["snapshot"]
        assert json.loads(run(peer, "gpus", "--json")[1])["gpus"] == whole["gpus"]  # type: ignore[index]

    def test_a_machine_without_gpus(self, peer: Peer) -> None:
        peer.answers["snapshot"] = world.snapshot(gpus=())
        assert run(peer, "gpus") == (0, "no GPUs\n", "")
        assert run(peer, "gpus", "-v") == (0, "no GPUs\n", "")
        assert "there are none" in run(peer, "gpus", "0")[2]

    def test_a_gpu_that_is_there_wins_the_index_of_one_that_is_missed(self) -> None:
        gone = {"uuid": "GPU-a", "state": "missing", "identity": {"index": 0}}
        here = {"uuid": "GPU-b", "state": "ok", "identity": {"index": 0}}
        assert find([gone, here], "0") is here
        assert find([gone], "0") is gone

    def test_forget(self, peer: Peer) -> None:
        peer.answers["forget"] = {"forgotten": ["XID 79", "the GPU"]}
        code, out, _ = run(peer, "gpus", "--forget", "3")
        assert (code, out) == (0, "forgotten: XID 79\nforgotten: the GPU\n")
        gone = "GPU-ffffffff-1234-5678-9abc-def012345678"
        assert json.loads(run(peer, "gpus", "--forget", gone, "--json")[1]) == {
            "forgotten": ["XID 79", "the GPU"]
        }
        assert asked(peer) == [
            ("snapshot", {}),
            ("forget", {"gpu_uuid": world.uuid_of(3)}),
            ("forget", {"gpu_uuid": gone}),
        ]
        peer.answers["forget"] = {"forgotten": []}
        assert "nothing to forget" in run(peer, "gpus", "--forget", gone)[1]


def test_what_status_shows_of_a_sick_machine(peer: Peer) -> None:
    gone = Unknown("gpu_lost", "NVML says so")
    peer.answers["snapshot"] = world.snapshot(
        gpus=(
            world.gpu(0),
            world.gpu(
                1,
                state="lost",
                withheld_by=("gpu_lost",),
                sample=world.sample(power_w=gone, temperature_c=gone),
            ),
        ),
        faults=(
            world.fault(code="disk_low", severity="warning", gpu_uuid=""),
            world.fault(gpu_uuid=world.uuid_of(1)),
        ),
    )
    code, out, _ = run(peer, "status", COLUMNS="80")
    assert code == 5
    lines = out.splitlines()
    assert "health    1 error, 1 warning" in lines
    row = next(line for line in lines if line.startswith("  1  "))
    assert row.split() == [
        *["1", "H100", "80GB", "HBM3", "lost", "97", "%", "71.2/80.0"],
        *["n/a", "n/a", "gpu_lost"],
    ]
    worst, other = (
        n for n, line in enumerate(lines) if line.startswith(("  error ", "  warning "))
    )
    assert lines[worst].startswith("  error    gpu_lost  GPU 1  since ")
    assert lines[other].startswith("  warning  disk_low  since ")
    assert "           → Power the machine off and on" in out
    assert "n/a: power, temperature of GPU 1: gpu lost: NVML says so" in lines
