"""The comparison with nvidia-smi: its parsing and its judgement."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api import gpu
from tests.gpu.compare_nvidia_smi import CannotCompare, compare, parse
from tests.gpu.fields import FIELDS, Field, judge, ours

BY_NAME = {field.name: field for field in FIELDS}
UNKNOWN = {"unknown": "not_supported", "detail": ""}


def verdict(name: str, theirs: str, reading: object, after: str = "") -> str:
    return judge(BY_NAME[name], theirs, after or theirs, reading).why


@pytest.mark.parametrize(
    ("name", "theirs", "reading"),
    [
        ("name", "NVIDIA H100 80GB HBM3", "nvidia h100 80gb hbm3"),
        ("index", "3", 3),
        ("memory.total", "81559", 81559 * 2**20 + 12345),
        ("power.max_limit", "700.00", 700.0),
        ("enforced.power.limit", "412.35", 412.345),
        ("persistence_mode", "Enabled", True),
        ("ecc.mode.current", "[N/A]", UNKNOWN),
        ("fan.speed", "[Not Supported]", UNKNOWN),
        ("pstate", "P0", 0),
        ("compute_mode", "Exclusive_Process", "exclusive_process"),
        ("retired_pages.pending", "No", False),
        ("clocks_event_reasons.active", "0x0000000000000021", ("idle", "sw_thermal")),
        ("power.draw", "600.00", 655.0),
        ("temperature.gpu", "64", 67),
    ],
)
def test_agreement(name: str, theirs: str, reading: object) -> None:
    assert verdict(name, theirs, reading) == ""


@pytest.mark.parametrize(
    ("name", "theirs", "reading", "why"),
    [
        ("name", "NVIDIA A100", "nvidia h100", "differ"),
        ("index", "3", 4, "differ"),
        ("persistence_mode", "Enabled", False, "differ"),
        ("persistence_mode", "Enabled", 1, "differ"),
        ("serial", "1320", UNKNOWN, "only nvidia-smi has a value"),
        ("fan.speed", "[N/A]", 30, "only Polaris has a value"),
        ("clocks.max.sm", "fast", 1980, "cannot read what nvidia-smi says"),
        ("mig.mode.current", "Perhaps", True, "cannot read what nvidia-smi says"),
        ("clocks_event_reasons.active", "0x0000000000000001", (), "differ"),
        ("temperature.gpu", "64", 68, "more than 3 apart"),
        ("power.draw", "600.00", 701.0, "more than 100 apart"),
    ],
)
def test_disagreement(name: str, theirs: str, reading: object, why: str) -> None:
    assert verdict(name, theirs, reading) == why


@given(st.integers(0, 90), st.integers(0, 90), st.integers(-20, 110))
def test_what_moves_lies_between_before_and_after(before: int, after: int, reading: int) -> None:
    slack = BY_NAME["temperature.gpu"].slack
    agrees = min(before, after) - slack <= reading <= max(before, after) + slack
    why = verdict("temperature.gpu", str(before), reading, str(after))
    assert (why == "") is agrees


@given(st.sampled_from(FIELDS), st.text(max_size=12), st.one_of(st.integers(), st.text()))
def test_whatever_nvidia_smi_says_there_is_a_verdict(
    field: Field, theirs: str, reading: object
) -> None:
    assert isinstance(judge(field, theirs, theirs, reading).why, str)
    assert judge(field, theirs, theirs, UNKNOWN).why != "only Polaris has a value"


def test_every_path_is_one_of_ours() -> None:
    records = {"identity": gpu.Identity, "sample": gpu.Sample, "condition": gpu.Condition}
    for field in FIELDS:
        record, name = field.path.split(".")
        assert name in {field.name for field in fields(records[record])}
    assert len(BY_NAME) == len(FIELDS)


def test_parsing() -> None:
    table = parse(["uuid", "name"], "GPU-1, NVIDIA H100\nGPU-2, [N/A]\n")
    assert table == {
        "GPU-1": {"uuid": "GPU-1", "name": "NVIDIA H100"},
        "GPU-2": {"uuid": "GPU-2", "name": "[N/A]"},
    }
    with pytest.raises(CannotCompare, match="gave 1 values for 2 fields"):
        parse(["uuid", "name"], "No devices were found\n")


def test_a_gpu_that_only_one_has_is_a_difference() -> None:
    table = {"GPU-1": {"driver_version": "580"}}
    document: dict[str, Any] = {"gpus": [{"uuid": "GPU-2"}], "driver": {"driver_version": "580"}}
    verdicts = dict(compare((), table, table, document))
    assert {rows[0].why for rows in verdicts.values()} == {"only one of them has this GPU"}
    assert list(verdicts) == ["GPU-1", "GPU-2"]


def test_readings_are_found_by_their_path() -> None:
    card = {"identity": {"name": "NVIDIA H100"}, "sample": {"throttle": ["idle"]}}
    assert ours(card, "identity.name") == "nvidia h100"
    assert ours(card, "sample.throttle") == ("idle",)
