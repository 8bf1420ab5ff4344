"""Frames where room is short, or readings are: nothing is cut or made up in silence."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polarisctl.monitor.scene import GPU, Scene, View
from tests.terminal import scenes
from tests.unit.monitor_support import frame, scene


def faulty(*remedies: str, gpus: int = 3) -> Scene:
    faults = [
        {**scenes.snapshot(gpus=1, faults=("hot",))["faults"][0], "remedy": remedy}
        for remedy in remedies
    ]
    return scene(gpus, snapshot={**scenes.snapshot(gpus=gpus), "faults": faults}, events=())


@settings(max_examples=200, deadline=None)
@given(
    remedies=st.lists(
        st.integers(1, 60).map(lambda n: " ".join(f"w{i}" for i in range(n))), min_size=1
    ),
    gpus=st.sampled_from([0, 1, 3, 8]),
    width=st.integers(60, 200),
    rows=st.integers(10, 60),
)
def test_a_remedy_is_whole_or_the_screen_says_which_key_shows_it(
    remedies: list[str], gpus: int, width: int, rows: int
) -> None:
    one = faulty(*remedies, gpus=gpus)
    said = " ".join(" ".join(frame(one, width, rows)).split())
    whole = sum(said.count(f" {remedy} ") for remedy in set(remedies)) >= len(remedies)
    assert whole or "f: in full" in said


@pytest.mark.parametrize("rows", [22, 23, 24, 25])
def test_the_last_line_of_a_fault_is_not_dropped_in_silence(rows: int) -> None:
    """Of two faults of five lines each, where half of the screen is not quite enough."""
    words = " ".join(f"word{n}" for n in range(40)) + " the-end"
    shown = "\n".join(frame(faulty(words, words), 80, rows))
    assert shown.count("the-end") == 2 or "f: in full" in shown


def test_the_first_card_is_not_the_smallest() -> None:
    lines = frame(scene(3, events=(), has_keys=False))
    heads = [n for n, line in enumerate(lines) if "H100" in line]
    host = next(n for n, line in enumerate(lines) if "── host" in line)
    sizes = [after - begin for begin, after in zip(heads, [*heads[1:], host], strict=True)]
    assert len(sizes) == 3
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("gpu-07.example.net", "gpu-07.example.net"),
        ("gpu-07.somewhere.example.net", "gpu-07 "),
        ("gpu-host-number-0007", "gpu-host-number-0007"),
    ],
)
def test_the_head_line_never_cuts_since_when_it_is_offered(host: str, shown: str) -> None:
    for width in range(60, 101):
        for hours in (1, 30, 72):
            snapshot = scenes.snapshot(gpus=1, started_at=scenes.AT - 3600 * hours)
            snapshot["host"]["hostname"] = host
            head = frame(scene(1, snapshot=snapshot), width)[0]
            assert "…" not in head
            assert re.search(r"● offering( \d+ (min|h|d))? +14:13:20$", head), head
            assert (width, hours) != (80, 30) or shown in head


def test_what_a_lost_gpu_was_is_not_shown_as_what_it_is() -> None:
    snapshot = scenes.snapshot(gpus=2)
    snapshot["gpus"][1]["state"] = "lost"  # but its condition came as it was
    snapshot["gpus"][1]["condition"]["processes"] = []
    view = View(page=GPU, selected=scenes.uuid(1))
    text = "\n".join(frame(scene(2, snapshot=snapshot, view=view), 80, 60))
    assert "processes n/a: gpu lost" in text
    assert re.search(r"nvlink +n/a", text)
    assert re.search(r"persist +n/a", text)
    view = View(page=GPU, selected=scenes.uuid(0))
    assert "18/18 up" in "\n".join(frame(scene(2, snapshot=snapshot, view=view), 80, 60))
