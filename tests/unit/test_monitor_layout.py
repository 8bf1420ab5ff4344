"""Frames: of any size, of any machine, exactly as large as asked for."""

import os
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polarisctl.cells import width_of
from polarisctl.monitor import edges, gpu_text, layout
from polarisctl.monitor.glyphs import ASCII, CONSOLE, FULL
from polarisctl.monitor.scene import (
    CONNECTING,
    DOWN,
    FAULTS,
    GPU,
    HELP,
    LIVE,
    OVERVIEW,
    Link,
    Notice,
    Scene,
    View,
)
from tests.terminal import scenes
from tests.unit.chain_samples import place
from tests.unit.monitor_support import frame, scene

GOLDEN = Path(__file__).parent / "golden_monitor"
ALL_FAULTS = ("lost", "hot", "persistence")
UNKNOWN = {"unknown": "not_supported", "detail": ""}
JUNK: tuple[Any, ...] = (
    None,
    -1,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "\x1b[2J",
    "温度" * 40,
    [],
    {},
    True,
    [7],
)


def spoilt(value: Any, random: Random, part: float) -> Any:
    """The same map with some of it unknown, missing or of another kind."""
    if random.random() < part:
        return UNKNOWN if random.random() < 0.6 else random.choice(JUNK)
    if isinstance(value, dict):
        return {k: spoilt(v, random, part) for k, v in value.items() if random.random() >= part / 4}
    if isinstance(value, list):
        return [spoilt(item, random, part) for item in value]
    return value


VIEWS = st.builds(
    View,
    page=st.sampled_from([OVERVIEW, GPU, FAULTS, HELP]),
    selected=st.sampled_from(["", scenes.uuid(0), scenes.uuid(9), "GPU-gone"]),
    lane=st.integers(0, 5),
    span_s=st.sampled_from([60, 300, 3600]),
    paused_at=st.none() | st.just(scenes.AT - 30),
    scroll=st.integers(0, 50),
)
LINKS = st.builds(
    Link,
    state=st.sampled_from([CONNECTING, LIVE, DOWN]),
    since_at=st.just(scenes.AT - 9),
    why=st.sampled_from(
        ["", "cannot reach polarisd: nobody listens on /run/polaris/polarisd.sock"]
    ),
    hint=st.sampled_from(["", "start it: sudo systemctl start polarisd"]),
    retry_at=st.floats(scenes.AT, scenes.AT + 5),
)


@settings(max_examples=300, deadline=None)
@given(
    width=st.integers(1, 300),
    rows=st.integers(1, 100),
    gpus=st.sampled_from([0, 1, 2, 8, 16]),
    faults=st.sets(st.sampled_from(ALL_FAULTS)),
    view=VIEWS,
    link=LINKS,
    glyphs=st.sampled_from([FULL, CONSOLE, ASCII]),
    seed=st.integers(0, 1 << 32),
    part=st.sampled_from([0.0, 0.05, 0.3]),
    later_s=st.sampled_from([0.2, 30.0, -100.0]),
    has_snapshot=st.booleans(),
)
def test_every_frame_has_exactly_its_size(
    width: int,
    rows: int,
    gpus: int,
    faults: set[str],
    view: View,
    link: Link,
    glyphs: Any,
    seed: int,
    part: float,
    later_s: float,
    has_snapshot: bool,
) -> None:
    random = Random(seed)
    where = place() if seed % 2 else None
    whole = scenes.snapshot(gpus=gpus, faults=tuple(faults), place=where)
    snapshot = spoilt(whole, random, part)
    events = spoilt(scenes.events(), random, part)
    drawn = scene(
        gpus,
        view=view,
        link=link,
        glyphs=glyphs,
        snapshot=snapshot if has_snapshot and isinstance(snapshot, dict) else None,
        events=tuple(e for e in events if isinstance(e, dict)) if isinstance(events, list) else (),
        now=scenes.AT + later_s,
        notice=Notice("burst: not permitted", scenes.AT + 5),
    )
    block = layout.render(drawn, width, rows)
    assert len(block) == rows
    for line in block:
        text = "".join(piece for piece, _ in line)
        assert width_of(text) == width
        assert all(char.isprintable() for char in text)
        assert glyphs is not ASCII or text.isascii()
    assert layout.scroll_limit(drawn, width, rows) >= 0


PAUSED = View(paused_at=scenes.AT - 20)
GONE = Link(
    DOWN,
    scenes.AT - 12,
    "cannot reach polarisd: nobody listens on /run/polaris/polarisd.sock",
    "start it: sudo systemctl start polarisd; its log: journalctl -u polarisd",
    scenes.AT + 12.2,
)
FRAMES = {
    "80x24_8_gpus": (scene(), 80, 24),
    "80x24_8_gpus_faults": (scene(8, ALL_FAULTS), 80, 24),
    "80x24_16_gpus": (scene(16), 80, 24),
    "80x24_1_gpu": (scene(1), 80, 24),
    "80x24_no_gpu": (scene(0), 80, 24),
    "80x24_detail": (scene(8, ("hot",), view=View(page=GPU, selected=scenes.uuid(2))), 80, 24),
    "80x24_mig": (scene(16, view=View(page=GPU, selected=scenes.uuid(9))), 80, 24),
    "80x24_help": (scene(view=View(page=HELP)), 80, 24),
    "80x24_gone": (scene(8, now=scenes.AT + 9, link=GONE), 80, 24),
    "80x24_ascii": (scene(8, ALL_FAULTS, glyphs=ASCII), 80, 24),
    "80x24_member": (scene(2, snapshot=scenes.snapshot(gpus=2, place=place())), 80, 24),
    "200x60_8_gpus_faults": (scene(8, ALL_FAULTS), 200, 60),
    "200x60_16_gpus": (scene(16), 200, 60),
    "200x60_detail": (scene(8, ("hot",), view=View(page=GPU, selected=scenes.uuid(2))), 200, 60),
}


@pytest.mark.parametrize("name", FRAMES)
def test_golden_frames(name: str) -> None:
    """To take what is drawn now as right: POLARIS_GOLDEN=write pytest, then read the diff."""
    path = GOLDEN / f"{name}.txt"
    drawn = "\n".join(frame(*FRAMES[name])) + "\n"
    if os.environ.get("POLARIS_GOLDEN") == "write":
        path.write_text(drawn, encoding="utf-8")
    assert drawn == path.read_text(encoding="utf-8")


def styles_of(one: Scene, text: str, width: int = 80, rows: int = 24) -> set[str]:
    """The styles of every span that holds `text`."""
    block = layout.render(one, width, rows)
    return {style for line in block for piece, style in line if text in piece}


def test_every_fault_is_named_with_its_remedy_on_a_small_screen() -> None:
    text = "\n".join(frame(scene(8, ALL_FAULTS)))
    for code, remedy in (
        ("gpu_lost", "power the machine off"),
        ("gpu_hot", "clean filters"),
        ("persistence_off", "systemctl enable --now nvidia-persistenced"),
    ):
        assert code in text
        assert remedy in text


def test_a_remedy_that_does_not_fit_says_which_key_shows_it() -> None:
    crowd = scenes.snapshot(gpus=8, faults=ALL_FAULTS)
    crowd["faults"][0]["remedy"] = "look at its cables, then " * 30 + "call for help"
    one = scene(8, snapshot=crowd)
    assert any("f: in full" in line for line in frame(one))
    assert "call for help" in " ".join(frame(replace(one, view=View(page=FAULTS)), 80, 60))
    assert not any("f: in full" in line for line in frame(scene(8, ("hot",))))


def test_an_error_comes_before_a_notice_and_what_is_left_out_is_counted() -> None:
    crowd = scenes.snapshot(gpus=1, faults=ALL_FAULTS * 5)
    text = "\n".join(frame(scene(1, snapshot=crowd)))
    assert "gpu_lost" in text
    assert "more: press f" in text
    listed = "\n".join(frame(scene(1, snapshot=crowd, view=View(page=FAULTS)), 80, 100))
    assert listed.count("persistence_off") == 5


def test_a_lost_gpu_shows_no_figure_and_says_so() -> None:
    row = next(line for line in frame(scene(8, ("lost",))) if line.startswith(" ✖ 3"))
    assert "LOST" in row
    assert row.count("n/a") >= 4
    assert " 0 " not in row


def test_a_gpu_that_is_measured_is_no_sick_one() -> None:
    measured = scenes.snapshot(gpus=2)
    measured["gpus"][1]["withheld_by"] = ["benchmark_running"]
    one = scene(2, snapshot=measured)
    assert styles_of(one, "benchmark_running") == {"warn"}
    assert not any("✖" in line for line in frame(one))


def test_all_sixteen_gpus_are_on_a_small_screen_or_scroll_into_it() -> None:
    numbers = {line[2:4].strip() for line in frame(scene(16)) if line[1:2] in "●▲✖"}
    assert numbers == {str(n) for n in range(16)}
    small = frame(scene(16, view=View(selected=scenes.uuid(15))), 80, 14)
    assert any(line.startswith("▶●15") for line in small)
    assert any("of 16" in line for line in small)


def test_every_process_of_a_sliced_gpu_scrolls_into_a_small_screen() -> None:
    seen = set()
    for scroll in range(16):
        view = View(page=GPU, selected=scenes.uuid(9), scroll=scroll)
        text = "\n".join(frame(scene(16, view=view)))
        seen |= {pid for pid in range(700, 707) if f"{pid} compute" in text}
    assert seen == set(range(700, 707))
    assert layout.scroll_limit(scene(16, view=view), 80, 24) == 15


def test_old_data_is_marked_with_its_age_and_loses_its_weight() -> None:
    stale = scene(8, now=scenes.AT + 47)
    assert any("47 s old" in line for line in frame(stale))
    assert styles_of(scene(), "599/700") == {"value"}
    assert styles_of(stale, "599/700") == {"dim"}


def test_one_gpu_that_is_not_read_any_more_is_marked_alone() -> None:
    snapshot = scenes.snapshot(gpus=8)
    snapshot["gpus"][4]["sample"]["read_at"] -= 40
    marked = [line for line in frame(scene(8, snapshot=snapshot)) if "40 s old" in line]
    assert [line[:4] for line in marked] == [" ● 4"]


def test_data_from_the_future_is_not_taken_for_fresh() -> None:
    assert any("clock changed" in line for line in frame(scene(8, now=scenes.AT - 60)))


def test_without_the_daemon_the_last_picture_stays_and_the_banner_says_what_to_do() -> None:
    lines = frame(scene(8, now=scenes.AT + 9, link=GONE))
    assert "polarisd is not answering since 14:13:08, retrying in 3 s" in lines[2]
    assert "sudo systemctl start polarisd" in lines[3]
    assert any("H100" in line for line in lines)


def test_a_pause_shows_the_past_it_was_made_in() -> None:
    running = frame(scene(8))
    paused = frame(scene(8, view=PAUSED))
    assert any("paused at" in line for line in paused)
    assert running[3] != paused[4]


@pytest.mark.parametrize("state", ["absent", "mismatched", "forbidden", "failed", "starting"])
def test_a_machine_whose_driver_does_not_answer_says_so(state: str) -> None:
    text = "\n".join(frame(scene(0, snapshot=scenes.snapshot(gpus=0, driver_state=state))))
    assert f"driver {state}" in text
    assert "libnvidia-ml.so.1: cannot open shared object file" in text


def test_a_validator_without_gpus_is_warned_of_nothing() -> None:
    snapshot = scenes.snapshot(gpus=0, driver_state="absent")
    snapshot["daemon"]["role"] = "validator"
    shown = scene(0, snapshot=snapshot)
    assert "no GPU, and a validator needs none" in "\n".join(frame(shown))
    styles = {span[1] for span in [*edges.driver(shown), gpu_text.summary(shown)] if span}
    assert styles == {"dim"}


def test_before_the_first_answer_the_screen_says_what_it_waits_for() -> None:
    lines = frame(scene(0, snapshot=None, events=(), link=Link(CONNECTING, scenes.AT)))
    assert any("asking polarisd" in line for line in lines)
