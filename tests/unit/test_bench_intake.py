"""What a worker says, checked: good frames become values, and all else says what is wrong."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api.benchmark import TESTS
from polarisd.api.reading import REASONS, Unknown
from polarisd.bench import intake
from polarisd.bench.intake import Done, Failed, Hello, Measured, Nonsense, Step

Frame = dict[str, Any]


def hello(**changes: Any) -> Frame:
    device = {"name": "NVIDIA H100", "uuid": "GPU-1", "total_bytes": 1 << 36}
    base = {
        "kind": "hello",
        "pid": 4711,
        "backend": "cupy",
        "device": {**device, "compute_capability": "9.0"},
        "versions": {"cupy": "14.2.0"},
    }
    return {**base, **changes}


def figure(**changes: Any) -> Frame:
    base = {
        "kind": "figure",
        "test": "gemm_bf16",
        "value": 7.6e14,
        "unit": "op/s",
        "repeats": 21,
        "spread": 0.012,
        "seconds_ago_started": 2.5,
        "seconds_ago_ended": 0.25,
        "detail": "8192 x 8192 x 8192",
    }
    return {**base, **changes}


def failed(**changes: Any) -> Frame:
    base = {"kind": "failed", "code": "no_gpu", "message": "CUDA shows none", "hint": "look"}
    return {**base, **changes}


def test_good_frames() -> None:
    assert intake.read(hello()) == Hello(
        pid=4711,
        backend="cupy",
        device_name="NVIDIA H100",
        device_uuid="GPU-1",
        versions={"cupy": "14.2.0"},
    )
    progress = {"kind": "progress", "test": "gemm_bf16", "share": 0.5}
    assert intake.read(progress) == Step("gemm_bf16", 0.5)
    assert intake.read(figure()) == Measured(
        test="gemm_bf16",
        value=7.6e14,
        unit="op/s",
        repeats=21,
        spread=0.012,
        started_ago_s=2.5,
        ended_ago_s=0.25,
        detail="8192 x 8192 x 8192",
    )
    assert intake.read({"kind": "done"}) == Done()
    assert intake.read(failed()) == Failed("no_gpu", "CUDA shows none", "look")


def test_a_whole_number_will_do_for_a_fraction() -> None:
    said = intake.read(figure(test="vram_capacity", unit="byte", value=80 << 30))
    assert isinstance(said, Measured) and isinstance(said.value, float)


@pytest.mark.parametrize("reason", REASONS)
def test_a_value_may_be_unknown(reason: str) -> None:
    why = {"unknown": reason, "detail": "why"}
    said = intake.read(figure(value=why, spread=why))
    assert isinstance(said, Measured)
    assert (said.value, said.spread) == (Unknown(reason, "why"), Unknown(reason, "why"))


def test_every_test_has_its_unit() -> None:
    assert set(intake.UNITS) == set(TESTS)
    for test, unit in intake.UNITS.items():
        assert isinstance(intake.read(figure(test=test, unit=unit)), Measured)


def test_what_is_long_is_cut_and_what_is_not_print_is_blanked() -> None:
    said = intake.read(failed(message="x" * 5000, hint="a\x1b[2Jb\nc"))
    assert isinstance(said, Failed)
    assert len(said.message) == intake.MAX_TEXT
    assert said.message.endswith("…")
    assert said.hint == "a [2Jb c"


BAD = {
    "no map": (7, "a frame is 7, not a map"),
    "no kind": ({}, "a frame is of kind None"),
    "an unknown kind": ({"kind": "gossip"}, "a frame is of kind 'gossip'"),
    "a pid that is none": (hello(pid=-1), "pid is -1, not a whole number from 0"),
    "a pid that is true": (hello(pid=True), "pid is True"),
    "a backend of another kind": (hello(backend="rocm"), "it runs on 'rocm', which is no backend"),
    "no device": (hello(device=None), "device is None, not of type dict"),
    "a device without a name": (hello(device={"uuid": ""}), "name is None, not of type str"),
    "many versions": (hello(versions={str(n): "1" for n in range(99)}), "it names 99 versions"),
    "a version that is a number": (hello(versions={"cupy": 14}), "cupy is 14, not of type str"),
    "a version without a name": (hello(versions={7: "1"}), "a name that is no text"),
    "an unknown test": (figure(test="gemm_fp4"), "there is no test 'gemm_fp4'"),
    "a test that is a list": (figure(test=[]), "test is [], not of type str"),
    "another unit": (figure(unit="byte"), "gemm_bf16 is in 'byte' instead of op/s"),
    "a value that is not one": (figure(value=math.nan), "value is nan, not a number from 0"),
    "a value without end": (figure(value=math.inf), "value is inf"),
    "a negative value": (figure(value=-1.0), "value is -1.0"),
    "a value beyond belief": (figure(value=10**400), "value is 1000"),
    "a value that is text": (figure(value="fast"), "value is 'fast'"),
    "no value": (figure(value=None), "value is None"),
    "an unknown reason": (figure(value={"unknown": "luck", "detail": ""}), "for the reason 'luck'"),
    "no reason": (figure(value={}), "for the reason None"),
    "a reason that is a map": (figure(value={"unknown": {}}), "for the reason {}"),
    "no detail": (figure(value={"unknown": "error"}), "detail is None"),
    "many repeats": (figure(repeats=1 << 30), "repeats is 1073741824"),
    "an end before the beginning": (
        figure(seconds_ago_started=1.0, seconds_ago_ended=2.0),
        "gemm_bf16 ended before it began",
    ),
    "a time to come": (figure(seconds_ago_ended=-0.1), "seconds_ago_ended is -0.1"),
    "a share of more than all": (
        {"kind": "progress", "test": "gemm_bf16", "share": 1.5},
        "share is 1.5, not a number from 0 to 1",
    ),
    "no message": ({"kind": "failed", "code": "x", "hint": ""}, "message is None"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_frames(name: str) -> None:
    frame, why = BAD[name]
    with pytest.raises(Nonsense) as nonsense:
        intake.read(frame)
    assert why in str(nonsense.value)
    assert len(str(nonsense.value)) < 300


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from([hello(), figure(), failed(), {"kind": "progress", "test": "gemm_bf16"}]),
    st.data(),
)
def test_whatever_stands_in_a_frame_is_a_value_or_nonsense(
    frame: Frame, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(frame)))
    with suppress(Nonsense):
        said = intake.read({**frame, key: data.draw(anything)})
        assert isinstance(said, (Hello, Step, Measured, Done, Failed))


@given(anything)
def test_whatever_comes_is_a_value_or_nonsense(frame: object) -> None:
    with pytest.raises(Nonsense):
        intake.read(frame)
