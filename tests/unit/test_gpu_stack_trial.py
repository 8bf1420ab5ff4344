"""Trying a stack out: workers that say everything they might, or nothing, or never end."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisctl.gpu_stack import trial
from polarisctl.gpu_stack.trial import FAILED, PASSED, UNTRIED, Trial, judge, try_out
from polarisd.bench.stack import Stack
from tests.fakes.cupy.script import SITE
from tests.unit.gpu_stack_support import DONE, HELLO, NO_GPU, WRONG, worker

STACK = Stack("/stack", "id", ("/stack/a", "/stack/b"), {}, "x")
PROGRESS = {"kind": "progress", "test": "check", "share": 0.5}


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-c", code]


@pytest.mark.parametrize(
    ("frames", "verdict", "text"),
    [
        ((HELLO, PROGRESS, DONE), PASSED, ""),
        ((NO_GPU,), UNTRIED, "there is no GPU"),
        ((HELLO, {**WRONG, "code": "out_of_memory"}), UNTRIED, "the answer is wrong"),
        ((HELLO, WRONG), FAILED, "the answer is wrong"),
        ((HELLO,), FAILED, "without an answer"),
        ((), FAILED, "without an answer"),
    ],
)
def test_what_it_says_is_believed(frames: tuple[object, ...], verdict: str, text: str) -> None:
    tried = try_out(STACK, worker(*frames))
    assert tried.verdict == verdict
    assert text in tried.text


def test_a_good_one_tells_what_it_ran_on() -> None:
    assert try_out(STACK, worker(HELLO, DONE)) == Trial(
        PASSED, device="NVIDIA H100", versions={"cupy": "14.2.0"}
    )


def test_the_first_word_of_done_counts() -> None:
    assert try_out(STACK, worker(HELLO, DONE, WRONG)).verdict == PASSED


def test_one_that_dies_is_quoted() -> None:
    tried = try_out(STACK, python("raise SystemExit('libcublas.so.12: cannot open')"))
    assert tried.verdict == FAILED
    assert "libcublas.so.12: cannot open" in tried.text


def test_one_that_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    tried = try_out(STACK, python(code), deadline_s=0.5)
    assert tried.verdict == FAILED
    assert "within" in tried.text
    assert not Path(f"/proc/{pid.read_text()}").exists()


def test_one_that_talks_nonsense(tmp_path: Path) -> None:
    tried = try_out(STACK, python("import os; os.write(1, b'\\xc1' * 9); input()"))
    assert tried.verdict == FAILED
    assert "nonsense" in tried.text


def test_one_that_is_not_there() -> None:
    tried = try_out(STACK, ["/nowhere/python"])
    assert tried.verdict == FAILED
    assert "cannot start" in tried.text


def test_it_gets_the_libraries_of_the_stack_and_none_of_our_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    code = "import os, sys; sys.exit(f\"{os.environ.get('LD_LIBRARY_PATH')} {sorted(os.environ)}\")"
    said = try_out(STACK, python(code)).text
    assert "/stack/a:/stack/b" in said
    assert "PYTHONPATH" not in said


def test_the_worker_is_the_daemons_on_this_python() -> None:
    """It answers, whatever this machine has."""
    tried = try_out(STACK, trial.argv(STACK), account="")
    assert tried.text
    assert tried.verdict in (UNTRIED, FAILED)
    assert "without an answer" not in tried.text


def shell(script: str) -> list[str]:
    """What any user may run; this very Python may be in somebody's home."""
    return ["/bin/sh", "-c", f"{script} >&2"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_it_does_not_run_as_root() -> None:
    said = try_out(STACK, shell("id -u -n; id -G -n"), account="nobody").text
    assert said.endswith("nogroup")
    assert try_out(STACK, shell("id -u"), account="nobody").text.endswith("65534")


@pytest.mark.parametrize("account", ["nobody", "no such user"])
def test_it_has_a_home_which_is_gone_afterwards(account: str) -> None:
    said = try_out(STACK, shell('mkdir -p "$HOME/.cupy/x" && echo "$HOME"'), account=account).text
    home = Path(said.split()[-1])
    assert home.is_absolute(), said
    assert not home.exists()


# A worker gets none of our environment: this module is told the script, and becomes the fake one.
FAKE = """\
import importlib, os, sys
os.environ["FAKE_CUPY"] = {script!r}
sys.path.insert(0, {site!r})
del sys.modules["cupy"]
importlib.import_module("cupy")
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="the fake GPU needs g++")
@pytest.mark.parametrize(
    ("script", "verdict", "text"),
    [
        ({}, PASSED, ""),
        ({"gemm": "wrong"}, FAILED, "differ from NumPy's"),
        ({"devices": 0}, UNTRIED, "GPU"),
        ({"no_nvrtc": True}, FAILED, "NVRTC"),
    ],
    ids=str,
)
def test_the_real_worker_on_the_fake_cupy(
    tmp_path: Path, script: dict[str, object], verdict: str, text: str
) -> None:
    (tmp_path / "cupy.py").write_text(FAKE.format(script=json.dumps(script), site=str(SITE)))
    stack = Stack(str(tmp_path), "id", (), {}, "x")
    tried = try_out(stack, trial.argv(stack), account="")
    assert tried.verdict == verdict, tried
    assert text in tried.text


FRAMES = st.recursive(
    st.none() | st.integers() | st.sampled_from(["hello", "failed", "progress"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["kind", "code"]), inner),
    max_leaves=4,
)


@given(st.lists(FRAMES), st.text())
def test_whatever_it_sends_there_is_a_verdict(frames: list[object], said: str) -> None:
    tried = judge(frames, said)
    assert tried.verdict in (FAILED, UNTRIED)
    assert tried.text or frames
