"""Cell widths: whatever a fault text holds, it takes the cells it was given."""

from hypothesis import given
from hypothesis import strategies as st

from polarisctl.cells import clean, clip, fit, to_ascii, width_of, wrap

TEXTS = st.text(max_size=60)


@given(TEXTS, st.booleans())
def test_clean_text_can_move_no_cursor(text: str, ascii_only: bool) -> None:
    cleaned = to_ascii(clean(text)) if ascii_only else clean(text)
    assert all(char.isprintable() for char in cleaned)
    assert not ascii_only or cleaned.isascii()
    assert clean(cleaned) == cleaned
    assert width_of(cleaned) == width_of(clean(text))


@given(TEXTS, st.integers(0, 80), st.sampled_from(["", "~", "…"]), st.booleans())
def test_fit_takes_exactly_its_width(text: str, width: int, mark: str, right: bool) -> None:
    assert width_of(fit(clean(text), width, mark, right)) == width


@given(TEXTS, st.integers(0, 80))
def test_clip_only_cuts_what_is_too_long(text: str, width: int) -> None:
    cleaned = clean(text)
    clipped = clip(cleaned, width, "…")
    assert width_of(clipped) <= width
    assert clipped == cleaned or width_of(cleaned) > width


@given(TEXTS, st.integers(1, 80))
def test_wrap_keeps_every_word_within_the_width(text: str, width: int) -> None:
    cleaned = clean(text)
    lines = list(wrap(cleaned, width))
    assert all(width_of(line) <= width for line in lines)
    if width >= 2:
        assert "".join("".join(lines).split()) == "".join(cleaned.split())


def test_wide_and_combining_characters_are_counted_as_terminals_do() -> None:
    assert width_of("温度") == 4
    assert clip("温度", 3) == "温"
    assert clip("温度が高い", 5, "…") == "温度…"
    assert clean("e\u0301") == "e"
    assert clean("\x1b[31mred\x07") == "?[31mred?"
    assert clean("a\tb\nc") == "a b c"


def test_ascii_only_says_the_common_signs_in_ascii() -> None:
    assert to_ascii("86 °C → 90 · x… 温") == "86 oC > 90 - x~ ??"
