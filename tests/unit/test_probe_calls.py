"""The choke point of NVML, through the real pynvml on a fake driver library.

The library can be loaded once a process and is never let go, so the calls are made in
a process of their own, one expression a line.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pynvml
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api import reading
from polarisd.api.reading import Unknown
from polarisd.gpu.probe.calls import LibraryLost, explain, flag, item, part, scaled
from tests.fakes.nvml import fixtures
from tests.fakes.nvml.fake import FakeNvml
from tests.fakes.nvml.fixtures import FakeNvmlFactory

fake_nvml = fixtures.fake_nvml

ROOT = Path(__file__).parents[2]
SERIAL = "nvmlDeviceGetSerial"
TEMPERATURE = "nvmlDeviceGetTemperature"
LOOP = """\
import json, sys
import pynvml
from polarisd.api.encode import to_wire
from polarisd.gpu.probe.calls import Calls, LibraryLost, part
from polarisd.gpu.probe.processes import read_processes
pynvml.nvmlInit()
calls = Calls(pynvml.nvmlDeviceGetHandleByIndex(0))
for line in sys.stdin:
    try:
        answer = to_wire(eval(line))
    except LibraryLost as lost:
        answer = {"library lost": str(lost)}
    print(json.dumps(answer), flush=True)
"""


class Caller:
    """A process with `calls` on the first GPU."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, expression: str) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(expression + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def caller(fake: FakeNvml) -> Iterator[Caller]:
    command = [sys.executable, "-c", LOOP]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, env=fake.env(), stdin=pipe, stdout=pipe, text=True
    ) as process:
        yield Caller(process)
        process.communicate()


def unknown(reason: str, detail: str = "") -> dict[str, str]:
    return {"unknown": reason, "detail": detail}


def test_a_call_gives_a_value(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml("h100")
    fake.gpus[0].temp = 66
    with caller(fake) as process:
        assert process.ask(f"calls.read({TEMPERATURE!r}, 0)") == 66
        fake.gpus[0].temp = 67
        assert process.ask(f"calls.read({TEMPERATURE!r}, 0)") == 67


def test_what_is_never_answered_is_asked_once(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml("rtx4090")
    with caller(fake) as process:
        for _ in range(3):
            assert process.ask(f"calls.read({SERIAL!r})") == unknown(reading.NOT_SUPPORTED)
        assert fake.calls(0)[SERIAL] == 1
        assert process.ask("calls.forget()") is None
        process.ask(f"calls.read({SERIAL!r})")
        assert fake.calls(0)[SERIAL] == 2


def test_only_that_very_question_is_remembered(fake_nvml: FakeNvmlFactory) -> None:
    """Another threshold, another clock: the same function may answer that."""
    fake = fake_nvml("h100")
    clock = "nvmlDeviceGetMaxClockInfo"
    with caller(fake) as process:
        fake.fail(0, clock, pynvml.NVML_ERROR_NOT_SUPPORTED)
        assert process.ask(f"calls.read({clock!r}, 1)") == unknown(reading.NOT_SUPPORTED)
        fake.fail(0, clock, 0)
        assert process.ask(f"calls.read({clock!r}, 1)") == unknown(reading.NOT_SUPPORTED)
        assert isinstance(process.ask(f"calls.read({clock!r}, 2)"), int)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (pynvml.NVML_ERROR_GPU_IS_LOST, reading.GPU_LOST),
        (pynvml.NVML_ERROR_TIMEOUT, reading.TIMED_OUT),
        (pynvml.NVML_ERROR_UNKNOWN, reading.DRIVER_ERROR),
    ],
)
def test_what_may_pass_is_asked_again(fake_nvml: FakeNvmlFactory, code: int, reason: str) -> None:
    fake = fake_nvml("h100")
    with caller(fake) as process:
        fake.fail(0, TEMPERATURE, code)
        assert process.ask(f"calls.read({TEMPERATURE!r}, 0)")["unknown"] == reason
        fake.fail(0, TEMPERATURE, 0)
        assert isinstance(process.ask(f"calls.read({TEMPERATURE!r}, 0)"), int)


def test_an_error_that_has_no_reason_of_its_own_is_told_in_nvmls_words(
    fake_nvml: FakeNvmlFactory,
) -> None:
    fake = fake_nvml("h100")
    with caller(fake) as process:
        fake.fail(0, TEMPERATURE, 999)
        answer = process.ask(f"calls.read({TEMPERATURE!r}, 0)")
    assert answer["unknown"] == reading.DRIVER_ERROR
    assert "999" in answer["detail"] and len(answer["detail"]) > 20


def test_text_that_is_none_is_the_drivers_error(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml("h100")
    fake.gpus[0].serial = b"16\xff\xfe"
    with caller(fake) as process:
        said = "nvmlDeviceGetSerial gave text that is not UTF-8"
        assert process.ask(f"calls.read({SERIAL!r})") == unknown(reading.DRIVER_ERROR, said)


@pytest.mark.parametrize("code", [1, 9, 18])
def test_a_library_that_is_gone_ends_it(fake_nvml: FakeNvmlFactory, code: int) -> None:
    fake = fake_nvml("h100")
    with caller(fake) as process:
        fake.fail(0, TEMPERATURE, code)
        assert (
            f"NVML error {code}" in process.ask(f"calls.read({TEMPERATURE!r}, 0)")["library lost"]
        )


def test_a_driver_that_is_too_old_says_so_and_its_older_function_answers(
    fake_nvml: FakeNvmlFactory,
) -> None:
    """The unversioned wrappers raise what is no NVMLError there."""
    fake = fake_nvml("t4-470")
    newest, older = (
        "nvmlDeviceGetComputeRunningProcesses",
        "nvmlDeviceGetComputeRunningProcesses_v2",
    )
    with caller(fake) as process:
        assert process.ask(f"calls.read({newest!r})") == unknown(reading.DRIVER_TOO_OLD)
        assert process.ask(f"calls.first(({newest!r},), ({older!r},))") == []
        assert process.ask("calls.read('nvmlDeviceGetNumGpuCores')") == unknown(
            reading.DRIVER_TOO_OLD
        )


def test_another_way_is_tried_only_where_the_first_is_not_there(
    fake_nvml: FakeNvmlFactory,
) -> None:
    fake = fake_nvml("h100")
    with caller(fake) as process:
        ways = f"calls.first(({TEMPERATURE!r}, 0), ({SERIAL!r},))"
        assert isinstance(process.ask(ways), int)
        fake.fail(0, TEMPERATURE, pynvml.NVML_ERROR_GPU_IS_LOST)
        assert process.ask(ways) == unknown(reading.GPU_LOST)
        fake.fail(0, TEMPERATURE, pynvml.NVML_ERROR_NOT_SUPPORTED)
        assert isinstance(process.ask(ways), str)
        fake.fail(0, SERIAL, pynvml.NVML_ERROR_NO_PERMISSION)
        assert process.ask(ways) == unknown(reading.NO_PERMISSION)


# Without a driver: what an error means, and parts of answers.


@given(st.integers(0, 2000))
def test_every_error_is_explained_or_ends_the_library(code: int) -> None:
    if code in (1, 9, 18):
        with pytest.raises(LibraryLost, match=f"NVML error {code}"):
            explain(pynvml.NVMLError(code))
        return
    why = explain(pynvml.NVMLError(code))
    assert why.reason in reading.REASONS
    assert (why.reason == reading.DRIVER_ERROR) == (f"NVML error {code}" in why.detail)


def test_parts_of_no_answer_are_no_answer() -> None:
    why = Unknown(reading.TIMED_OUT)
    assert part(why, "gpu") == item(why, 0) == scaled(why, 2) == flag(why) == why


def test_parts_of_an_answer() -> None:
    assert part(1 + 2j, "imag") == 2
    assert item((4, 5), 1) == 5
    assert scaled(700_000, 1e-3) == 700
    assert (flag(0), flag(1)) == (False, True)


def test_of_very_many_processes_those_with_most_memory_are_told(
    fake_nvml: FakeNvmlFactory,
) -> None:
    fake = fake_nvml("h100")
    for number in range(70):
        fake.add_process(0, 1_000_000 + number, memory=(70 - number) << 20)
    with caller(fake) as process:
        told = process.ask("read_processes(calls)")
    assert [entry["pid"] for entry in told] == list(range(1_000_000, 1_000_064))
    assert told[0]["name"]["unknown"] == reading.READ_ERROR, "no such process here"
