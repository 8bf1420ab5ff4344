"""Rendering: what a page shows, that it fits, and that nothing makes it raise."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polarisctl import values
from polarisctl.cells import width_of
from polarisctl.render import gpu_detail as detail
from polarisctl.render.gpu_detail import gpu_detail
from polarisctl.render.gpu_rows import gpus_table
from polarisctl.render.status import status
from polarisctl.render.validators import validator_detail, validators_table
from polarisctl.terminal import Terminal
from polarisd.api import gpu as records
from tests.unit import ctl_samples as world
from tests.unit.chain_samples import HOTKEY, chain, network, place, validator
from tests.unit.ctl_random import snapshots, torn_snapshots

terminals = st.builds(
    Terminal,
    columns=st.sampled_from([1, 2, 5, 11, 20, 40, 79, 80, 132, 1 << 20]) | st.integers(1, 200),
    unicode=st.booleans(),
)
patient = settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def every_page(snapshot: dict[str, Any], terminal: Terminal) -> list[str]:
    gpus = (
        [gpu for gpu in snapshot.get("gpus") or [] if isinstance(gpu, dict)]
        if isinstance(snapshot.get("gpus"), list)
        else []
    )
    validators = values.maps(snapshot, "validators")
    return [
        status(snapshot, terminal=terminal, now=world.NOW, version="0.2.0", verbose=True),
        status(snapshot, terminal=terminal, now=world.NOW),
        gpus_table(gpus, terminal),
        *(gpu_detail(gpu, snapshot, terminal=terminal, now=world.NOW) for gpu in gpus),
        validators_table(validators, terminal, world.NOW),
        *(validator_detail(each, terminal, world.NOW) for each in validators),
    ]


def assert_fits(text: str, terminal: Terminal) -> None:
    for line in text.split("\n"):
        assert width_of(line) <= terminal.columns, line
        assert line.isprintable(), repr(line)
        assert terminal.unicode or line.isascii(), line


@patient
@given(snapshots, terminals)
def test_any_snapshot_renders_within_the_width(
    snapshot: dict[str, Any], terminal: Terminal
) -> None:
    for page in every_page(snapshot, terminal):
        assert_fits(page, terminal)


@patient
@given(torn_snapshots(), terminals)
def test_a_snapshot_of_another_version_renders_too(
    snapshot: dict[str, Any], terminal: Terminal
) -> None:
    for page in every_page(snapshot, terminal):
        assert_fits(page, terminal)


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 132])
def test_colour_changes_no_character(columns: int) -> None:
    snapshot = world.snapshot(faults=(world.fault(),), **place())
    plain = every_page(snapshot, Terminal(columns=columns))
    coloured = every_page(snapshot, Terminal(columns=columns, colour=True))
    assert plain != coloured
    assert plain == [_without_colour(page) for page in coloured]


def _without_colour(text: str) -> str:
    head, *rest = text.split("\x1b[")
    return head + "".join(part.split("m", 1)[1] for part in rest)


@pytest.mark.parametrize(
    ("record", "table", "elsewhere"),
    [
        (records.Identity, detail.IDENTITY, set()),
        (records.Sample, detail.SAMPLE, {"read_at"}),
        (records.Condition, detail.CONDITION, {"read_at", "processes"}),
        (records.MigDevice, detail.MIG_DEVICE, {"index", "name", "processes"}),
    ],
)
def test_every_field_of_a_gpu_is_shown(
    record: type, table: dict[str, tuple[str, object]], elsewhere: set[str]
) -> None:
    names = {field.name for field in fields(record)}
    assert set(table) == names - elsewhere
    assert max(len(label) for label, _ in table.values()) < detail.LABEL_CELLS


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


GOLDEN = """\
polarisd  0.1.0 running, up 3 d, pid 7, role miner, mode independent
offering  no, there is no hotkey: sudo polarisctl register
driver    NVIDIA 570.86.15, CUDA 12.8, NVML 12.570.86.15
health    1 error

GPU  NAME            STATE   USE   VRAM GiB  POWER   TEMP  WITHHELD
  0  H100 80GB HBM3  ok     97 %  71.2/80.0  688 W  64 °C  no
  1  H100 80GB HBM3  ok     97 %  71.2/80.0  688 W  64 °C  no
  2  H100 80GB HBM3  ok     97 %  71.2/80.0  688 W  64 °C  no
  3  H100 80GB HBM3  lost   97 %  71.2/80.0  688 W  64 °C  gpu_lost

host      miner-1, Debian GNU/Linux 12 (bookworm), Linux 6.1.0-28-amd64, up 40 d
CPU       AMD EPYC 9654 96-Core Processor, 96 cores, 192 threads, 37 % busy,
          load 71.50 70.25 66.00
memory    1.2 TiB free of 1.5 TiB, no swap
disk      /var/lib/polaris: 1.2 TiB free of 3.5 TiB
network   12.3 MB/s out, 4.5 MB/s in

faults
  error    gpu_lost  GPU 3  since 2025-11-22 08:16 (10 min ago)
           XID 79: the GPU has fallen off the bus.
           → Power the machine off and on; if it comes back, check the riser and
             the power."""


@pytest.mark.usefixtures("utc")
def test_status_at_eighty_columns() -> None:
    gpus = (*map(world.gpu, range(3)), world.gpu(3, state="lost", withheld_by=("gpu_lost",)))
    sick = world.snapshot(gpus=gpus, faults=(world.fault(),))
    shown = status(sick, terminal=Terminal(columns=80), now=world.NOW, version="0.1.0")
    assert shown == GOLDEN
    plain = status(sick, terminal=Terminal(columns=80, unicode=False), now=world.NOW)
    assert "           -> Power the machine" in plain
    assert "64 C  gpu_lost" in plain


def test_what_status_tells_beside_the_figures() -> None:
    def shown(**changes: Any) -> str:
        snapshot = world.snapshot()
        for path, value in changes.items():
            *places, key = path.split("__")
            place = snapshot
            for name in places:
                place = place[name]
            place[key] = value
        return status(snapshot, terminal=Terminal(columns=80), now=world.NOW, version="0.1.0")

    assert "restart polarisd ends the upgrade" in shown(daemon__version="0.0.9")
    assert "these readings are 10 min old" in shown(taken_at=world.NOW - 600)
    stopped = shown(daemon__offering__wanted=False, chain__hotkey=HOTKEY)
    assert "(24 h ago), to begin: polarisctl start\n" in stopped
    serving = shown(daemon__role="validator", chain__hotkey=HOTKEY)
    assert "serving   yes, since" in serving
    assert "miners    none has sent a heartbeat yet\n" in serving
    absent = shown(driver__state="absent", driver__detail="no libnvidia-ml.so.1", gpus=[])
    assert "driver    absent: no libnvidia-ml.so.1\n" in absent
    assert "no GPUs" in absent
    assert "swap 1.0 GiB used of 8.0 GiB" in shown(
        host__swap_total_bytes=8 * world.GIB, host__swap_used_bytes=world.GIB
    )


def test_a_name_cannot_reach_the_terminal() -> None:
    nasty = "a\x1b]0;owned\x07\x9b31m\u202eb\nc"
    condition = world.condition(
        processes=(records.GpuProcess(pid=1, kind="compute", vram_bytes=1, name=nasty),)
    )
    gpu = world.gpu(0, condition=condition, identity=world.identity(0, name=nasty))
    where = place(
        chain=chain(subnet_name=nasty, network=nasty, publication=nasty, detail=nasty),
        network=network(endpoint=nasty),
        validators=(validator(0, state=nasty, detail=nasty, remedy=nasty, verdict=nasty),),
    )
    snapshot = world.snapshot(gpus=(gpu,), faults=(world.fault(text=nasty, remedy=nasty),), **where)
    for page in every_page(snapshot, Terminal(columns=80, colour=True)):
        assert_fits(_without_colour(page), Terminal(columns=80))
