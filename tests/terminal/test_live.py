"""`polarisctl monitor` as its viewer meets it: on a terminal, with a daemon that
comes and goes, ended in every way a program can be ended."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from polarisd.api import errors
from polarisd.api.errors import ControlError
from tests.terminal import scenes
from tests.terminal.peer import Peer
from tests.terminal.tty import Tty

ENTER_SCREEN = b"\x1b[?1049h"
LEAVE_SCREEN = b"\x1b[?1049l"
SHOW_CURSOR = b"\x1b[?25h"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "polarisd.sock"


@pytest.fixture
def peer(path: Path) -> Iterator[Peer]:
    with Peer(path, lambda at: scenes.snapshot(at, faults=("lost", "hot"))) as one:
        yield one


def monitor(path: Path, *more: str, rows: int = 24, **environ: str) -> Tty:
    return Tty("--socket", str(path), "monitor", *more, rows=rows, environ=environ)


def assert_restored(tty: Tty) -> None:
    """The terminal is as it was: screen left, cursor shown, line editing back."""
    assert tty.raw.count(ENTER_SCREEN) == tty.raw.count(LEAVE_SCREEN) == 1
    assert tty.raw.rindex(SHOW_CURSOR) > tty.raw.rindex(b"\x1b[?25l")
    assert not tty.is_raw()


def test_it_draws_and_leaves_the_terminal_as_it_was(path: Path, peer: Peer) -> None:
    with monitor(path) as tty:
        shown = tty.until_shown("gpu-07.example.net", "gpu_lost", "power the machine off")
        assert all(f"{n} H100" in shown for n in range(8))
        assert "█" in shown or "▇" in shown
        assert tty.is_raw()
        tty.press("q")
        assert tty.wait() == 0
        assert_restored(tty)


@pytest.mark.parametrize("key", ["\x1b", "\x03"])
def test_escape_and_control_c_quit_too(path: Path, peer: Peer, key: str) -> None:
    with monitor(path) as tty:
        tty.until_shown("GPU", "faults")
        tty.press(key)
        assert tty.wait() == 0
        assert_restored(tty)


def test_a_sigint_from_elsewhere_is_a_control_c(path: Path, peer: Peer) -> None:
    with monitor(path) as tty:
        tty.until_shown("GPU", "faults")
        tty.signal(signal.SIGINT)
        assert tty.wait() == 0
        assert_restored(tty)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_it_restores_the_terminal(
    path: Path, peer: Peer, number: signal.Signals
) -> None:
    with monitor(path) as tty:
        tty.until_shown("GPU", "faults")
        tty.signal(number)
        assert tty.wait() == 128 + number
        assert_restored(tty)


def test_an_unforeseen_failure_restores_the_terminal() -> None:
    fails = (
        "from polarisctl.monitor.screen import Screen",
        "with Screen(colour=True) as screen:",
        "    screen.draw([(('drawn', ''),)])",
        "    raise RuntimeError('a bug')",
    )
    with Tty(program=("-c", "\n".join(fails))) as tty:
        assert tty.wait() == 1
        assert b"drawn" in tty.raw
        assert_restored(tty)
        assert "RuntimeError: a bug" in tty.text()


def test_a_daemon_of_another_protocol_ends_it_with_the_reason(path: Path, peer: Peer) -> None:
    peer.refusals["watch"] = ControlError(errors.PROTOCOL_MISMATCH, "speaks protocol 9", "upgrade")
    with monitor(path) as tty:
        assert tty.wait() == 1
        assert_restored(tty)
        assert "speaks protocol 9" in tty.text()


def test_without_permission_it_says_so_and_how_to_get_it(path: Path, peer: Peer) -> None:
    peer.refusals["watch"] = ControlError(errors.NOT_PERMITTED, "watch needs read access", "sudo")
    with monitor(path) as tty:
        assert tty.wait() == 4
        assert_restored(tty)
        assert "watch needs read access" in tty.text()


def test_a_terminal_that_breaks_away_ends_it(path: Path, peer: Peer) -> None:
    with monitor(path) as tty:
        tty.until_shown("GPU", "faults")
        tty.hang_up()
        assert tty.wait() == 128 + signal.SIGHUP


def test_it_follows_the_size_of_the_terminal(path: Path, peer: Peer) -> None:
    with monitor(path) as tty:
        tty.until_shown("model", "q quit")
        tty.resize(200, 60)
        shown = tty.until_shown("avg", "SM clock", "q quit", "jk select")
        assert len(tty.screen.display) == 60
        assert shown.splitlines()[0].rstrip()[-8:].count(":") == 2
        tty.resize(30, 5)
        tty.until(lambda text: "Polaris" in text.splitlines()[0] and "GPU" in text)
        tty.resize(1, 1)
        tty.resize(80, 24)
        tty.until_shown("model", "q quit")
        tty.press("q")
        assert tty.wait() == 0


def test_it_outlives_the_daemon_and_finds_it_again(path: Path) -> None:
    def play(at: float) -> dict[str, object]:
        return scenes.snapshot(at, gpus=2)

    with monitor(path) as tty:
        tty.until_shown("polarisd is not answering since", "systemctl start polarisd")
        with Peer(path, play, gpus=2):
            tty.until(lambda text: "H100" in text and "not answering" not in text)
        tty.until_shown("polarisd is not answering since", "H100")
        time.sleep(6)
        tty.until_shown("s old")
        with Peer(path, play, gpus=2):
            tty.until(
                lambda text: "H100" in text and "not answering" not in text and " old" not in text
            )
            tty.press("q")
            assert tty.wait() == 0


def test_a_daemon_that_falls_silent_is_noticed(path: Path, peer: Peer) -> None:
    with monitor(path) as tty:
        tty.until_shown("H100")
        peer.silent = True
        tty.until_shown("polarisd is not answering since", "systemctl status polarisd")
        peer.silent = False
        tty.until(lambda text: "not answering" not in text)
        tty.press("q")
        assert tty.wait() == 0


def test_keys_select_zoom_pause_and_explain(path: Path, peer: Peer) -> None:
    with monitor(path) as tty:
        tty.until_shown("H100")
        tty.press("j\x1b[B")
        tty.until_shown("▶▲ 2")
        tty.press("\r")
        tty.until_shown("GPU-00000002", "pid  kind", "train.py")
        tty.press("5")
        tty.until_shown("GPU-00000005", "no process holds this GPU")
        tty.press("\x1b")
        tty.until_shown("model", "notes")
        tty.press("g")
        tty.until_shown("VRAM 5 min")
        tty.press("+")
        tty.until_shown("graphs 10 min")
        tty.press("?")
        tty.until_shown("throttle: held at its power limit")
        tty.press("?p")
        tty.until_shown("paused at")
        tty.press("p")
        tty.until(lambda text: "paused at" not in text)
        tty.press("q")
        assert tty.wait() == 0
    history = [params for method, params in peer.asked if method == "history"]
    assert history[-1] == {"seconds": 600}


def test_a_burst_is_asked_for_and_shown(path: Path, peer: Peer) -> None:
    with monitor(path) as tty:
        tty.until_shown("H100")
        tty.press("b")
        tty.until_shown("burst: ten samples a second")
    assert ("burst", {"interval_s": 0.1, "seconds": 30.0}) in peer.asked


def test_a_burst_without_admin_is_refused_in_words(path: Path, peer: Peer) -> None:
    peer.access = "read"
    with monitor(path) as tty:
        tty.until_shown("H100")
        tty.press("b")
        tty.until_shown("burst needs admin access; run it with sudo")


def test_events_appear_as_they_happen(path: Path, peer: Peer) -> None:
    with monitor(path) as tty:
        tty.until_shown("H100")
        event = scenes.events(time.time())[2]
        peer.say(event)
        tty.until_shown("events", "XID 79")


@pytest.mark.parametrize(
    "environ", [{"LC_ALL": "C"}, {"LANG": "C"}, {"LANG": ""}, {"LC_CTYPE": "C"}], ids=str
)
def test_in_a_locale_without_utf8_everything_is_ascii(
    path: Path, peer: Peer, environ: dict[str, str]
) -> None:
    with Tty("--socket", str(path), "monitor", environ=environ) as tty:
        shown = tty.until_shown("H100", "faults")
        assert shown.isascii()


def test_ascii_on_request(path: Path, peer: Peer) -> None:
    with monitor(path, "--ascii") as tty:
        assert tty.until_shown("H100", "faults").isascii()


def test_without_colour_where_none_is_wanted(path: Path, peer: Peer) -> None:
    with monitor(path, NO_COLOR="1") as tty:
        tty.until_shown("H100", "faults")
        colours = {cell.fg for row in tty.screen.buffer.values() for cell in row.values()}
        assert colours == {"default"}
    with monitor(path) as tty:
        tty.until_shown("H100", "faults")
        colours = {cell.fg for row in tty.screen.buffer.values() for cell in row.values()}
        assert len(colours) > 4


@pytest.mark.parametrize("term", ["linux", "xterm", "screen", "vt100", "tmux-256color"])
def test_it_draws_on_many_terminals(path: Path, peer: Peer, term: str) -> None:
    with monitor(path, TERM=term) as tty:
        tty.until_shown("H100", "faults")
        tty.press("q")
        assert tty.wait() == 0


@pytest.mark.parametrize("term", ["dumb", "no-such-terminal", ""])
def test_a_terminal_that_cannot_be_drawn_on_is_refused_in_words(
    path: Path, peer: Peer, term: str
) -> None:
    with monitor(path, TERM=term) as tty:
        assert tty.wait() == 2
        assert "cannot draw on this terminal" in tty.text().replace("\n", "")
        assert ENTER_SCREEN not in tty.raw


def test_once_prints_a_frame_of_the_terminals_size_and_ends(path: Path, peer: Peer) -> None:
    with monitor(path, "--once", rows=40) as tty:
        assert tty.wait() == 0
        assert "gpu_lost" in tty.text()
        assert b"\x1b" not in tty.raw


def test_stopping_and_going_on_draws_the_screen_again(path: Path, peer: Peer) -> None:
    with monitor(path) as tty:
        tty.until_shown("H100")
        tty.signal(signal.SIGSTOP)
        tty.screen.reset()
        tty.signal(signal.SIGCONT)
        tty.until_shown("H100", "q quit")


def test_eight_gpus_once_a_second_cost_little(path: Path, peer: Peer) -> None:
    with monitor(path) as tty:
        tty.until_shown("H100")
        begun, spent = time.monotonic(), tty.cpu_s()
        while time.monotonic() - begun < 5:
            tty.read(0.2)
        # A wide margin for a loaded machine; on a quiet one it is 0.3 %.
        assert (tty.cpu_s() - spent) / 5 < 0.15
