"""What keys do, for every view that can be."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from polarisctl.monitor import keys
from polarisctl.monitor.keys import Listed, press
from polarisctl.monitor.scene import FAULTS, GPU, HELP, OVERVIEW, SPANS_S, View
from polarisctl.monitor.screen import decode

GPUS: Listed = (("GPU-a", 0), ("GPU-b", 1), ("GPU-c", 2))
NAMED = ("up", "down", "enter", "esc", "home", "end", "page-up", "page-down", "ctrl-l", "\t")
NOW = 50.0


def after(view: View, *pressed: str, gpus: Listed = GPUS) -> View:
    for key in pressed:
        view, _ = press(view, key, gpus, NOW)
    return view


@given(st.lists(st.sampled_from(NAMED) | st.characters(), max_size=30), st.integers(0, 3))
def test_no_keys_lead_to_a_view_that_cannot_be(pressed: list[str], count: int) -> None:
    view = after(View(), *pressed, gpus=GPUS[:count])
    assert view.page in (OVERVIEW, GPU, FAULTS, HELP)
    assert view.span_s in SPANS_S
    assert view.scroll >= 0
    assert 0 <= view.lane < keys.TABLE_GRAPHS
    assert view.selected in ("", *(uuid for uuid, _ in GPUS[:count]))


def test_selection_moves_and_stops_at_the_ends() -> None:
    assert after(View(), "j").selected == "GPU-b"
    assert after(View(), "down", "down", "down", "down").selected == "GPU-c"
    assert after(View(), "end", "k", "up", "up", "up").selected == "GPU-a"


def test_a_selected_gpu_that_has_gone_counts_as_the_first() -> None:
    assert after(View(selected="GPU-gone"), "j").selected == "GPU-b"


def test_enter_and_digits_zoom_and_escape_comes_back_before_it_quits() -> None:
    zoomed = after(View(), "2")
    assert (zoomed.page, zoomed.selected) == (GPU, "GPU-c")
    assert after(View(), "j", "enter").selected == "GPU-b"
    assert after(zoomed, "7") == zoomed
    assert after(zoomed, "esc").page == OVERVIEW
    assert not after(zoomed, "esc").quit
    assert after(zoomed, "esc", "esc").quit


def test_q_quits_from_everywhere() -> None:
    for page in (OVERVIEW, GPU, FAULTS, HELP):
        assert after(View(page=page), "q").quit


def test_pause_keeps_the_instant_and_goes_on() -> None:
    assert after(View(), "p").paused_at == NOW
    assert after(View(), "p", "p").paused_at is None


def test_pages_toggle_and_scroll_from_their_top() -> None:
    assert after(View(), "?").page == HELP
    assert after(View(), "?", "?").page == OVERVIEW
    assert after(View(), "f", "j", "j", "k").scroll == 1
    assert after(View(), "f", "j", "?").scroll == 0


def test_paging_scrolls_the_processes_of_one_gpu_and_another_gpu_starts_at_the_top() -> None:
    assert after(View(), "1", "page-down", "page-down", "page-up").scroll == 4
    assert after(View(), "1", "page-down", "j") == View(page=GPU, selected="GPU-c")


def test_the_span_grows_and_shrinks_within_its_steps_and_asks_for_history() -> None:
    assert press(View(), "+", GPUS, NOW) == (replace(View(), span_s=600), keys.HISTORY)
    assert after(View(), *["-"] * 9).span_s == SPANS_S[0]
    assert after(View(), *["+"] * 9).span_s == SPANS_S[-1]


def test_keys_that_ask_for_something_else() -> None:
    assert press(View(), "b", GPUS, NOW) == (View(), keys.BURST)
    assert press(View(), "ctrl-l", GPUS, NOW) == (View(), keys.REDRAW)


def test_a_lone_escape_is_a_key_and_an_unknown_sequence_is_none() -> None:
    assert list(decode(["\x1b"])) == ["esc"]
    assert list(decode(["\x1b", "\x1b"])) == ["esc", "esc"]
    assert list(decode(["j", "\x1b", "[", "1", ";", "5", "q", "k"])) == ["j", "k"]
    assert list(decode(["\x1b", "O", "q"])) == []
    assert list(decode(["\x1b", "q", "j"])) == ["j"]
    assert list(decode(["\x1b", "[", "I"])) == []
    assert list(decode(["\x1b", "[", "B", "\x1b", "O", "A"])) == ["down", "up"]


@given(st.lists(st.sampled_from(["\x1b", "[", "O", "q", "1", "~", 259, 410, 9999])))
def test_any_codes_decode_to_names(codes: list[str | int]) -> None:
    assert all(isinstance(name, str) for name in decode(codes))
