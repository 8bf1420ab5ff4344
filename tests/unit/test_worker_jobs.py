"""What the worker takes for a job, and what CUDA's errors become."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api.benchmark import BACKENDS, TESTS
from polarisd.bench import intake
from polarisd.bench.worker import bench, cuda_errors, jobs
from polarisd.bench.worker.cupy_device import uuid_text
from polarisd.bench.worker.jobs import BadJob, Job

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(
    st.sampled_from(["bench", "check"]),
    st.sampled_from(BACKENDS),
    st.booleans(),
    st.permutations(TESTS).flatmap(
        lambda tests: st.integers(0, len(TESTS)).map(lambda count: tests[:count])
    ),
)
def test_a_job_is_what_was_asked_for(job: str, backend: str, quick: bool, tests: list[str]) -> None:
    frame = {"job": job, "backend": backend, "quick": quick, "tests": tests, "gpu_uuid": "GPU-1"}
    expected = tuple(test for test in TESTS if not tests or test in tests)
    assert jobs.parse(frame) == Job(job, backend, "GPU-1", quick, expected)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 255))
def test_to_prove_is_for_one_hotkey_and_slot(hotkey: bytes, slot: int) -> None:
    frame = {"job": "prove", "backend": "cupy", "hotkey": hotkey, "slot": slot}
    job = jobs.parse(frame)
    assert (job.hotkey, job.slot) == (hotkey, slot)


@pytest.mark.parametrize(
    ("name", "value"), [("hotkey", b""), ("hotkey", bytes(31)), ("hotkey", "x" * 32), ("slot", "1"),
                        ("slot", True)],
)  # fmt: skip
def test_who_proves_without_a_hotkey_or_slot_is_refused(name: str, value: object) -> None:
    frame = {"job": "prove", "backend": "cupy", "hotkey": bytes(32), "slot": 1, name: value}
    with pytest.raises(BadJob, match=name):
        jobs.parse(frame)


def test_the_least_that_is_a_job() -> None:
    assert jobs.parse({"job": "check", "backend": "cupy"}) == Job("check", "cupy", "", False, TESTS)


@given(st.sampled_from(["job", "backend", "quick", "tests", "gpu_uuid"]), anything)
def test_anything_else_is_refused(name: str, value: Any) -> None:
    frame = {"job": "bench", "backend": "numpy", name: value}
    fits = {
        "quick": isinstance(value, bool),
        "gpu_uuid": isinstance(value, str),
        "tests": not value,
    }
    if fits.get(name, False):
        jobs.parse(frame)
        return
    with pytest.raises(BadJob, match=r"there is no|there are no|is not text"):
        jobs.parse(frame)


def test_every_test_can_be_run_and_has_the_unit_that_the_daemon_expects() -> None:
    assert tuple(bench.TESTS) == TESTS
    assert {test: unit for test, (unit, _) in bench.TESTS.items()} == intake.UNITS


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (2, "out_of_memory"),
        (35, "no_gpu"),
        (100, "no_gpu"),
        (214, "cuda_error"),
        (700, "cuda_error"),
        (719, "cuda_error"),
        (802, "no_gpu"),
        (803, "no_gpu"),
        (12345, "cuda_error"),
    ],
)
def test_an_error_of_cuda_has_a_code_and_a_remedy(status: int, code: str) -> None:
    error = cuda_errors.cuda_error(status, "cudaErrorSomething: it says")
    assert error.code == code
    assert "it says" in error.message and str(status) in error.message
    assert error.hint


def test_an_error_of_cublas_has_a_code() -> None:
    codes = [cuda_errors.cublas_error(status, "CUBLAS").code for status in (3, 15, 13)]
    assert codes == ["out_of_memory", "not_supported", "cuda_error"]


@given(st.integers(0, 1000), st.integers(0, 20000))
def test_no_device_is_always_no_gpu(status: int, version: int) -> None:
    error = cuda_errors.no_device(status, "text", version)
    assert error.code == "no_gpu"
    assert error.message and error.hint


@pytest.mark.parametrize(("number", "text"), [(12090, "12.9"), (13000, "13.0"), (0, "0.0")])
def test_versions_are_as_people_write_them(number: int, text: str) -> None:
    assert cuda_errors.version_text(number) == text


def test_a_uuid_is_as_nvml_has_it() -> None:
    raw = bytes.fromhex("0123456789abcdef0123456789abcdef")
    assert uuid_text(raw, "") == "GPU-01234567-89ab-cdef-0123-456789abcdef"
    # Cut off at a zero byte, as CuPy has it.
    assert uuid_text(raw[:7], "GPU-aa") == "GPU-aa"
    assert uuid_text(raw[:7], "MIG-aa") == "MIG-aa"
    assert uuid_text(raw[:7], "0") == ""
    assert uuid_text(raw, "MIG-aa") == "MIG-aa"
