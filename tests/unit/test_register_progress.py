"""What a registration leaves on the disk: whole, private, and never a lost key."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisctl.registration import paying
from polarisctl.registration.chain import PATIENCE
from polarisctl.registration.place import Place
from polarisctl.registration.progress import SENT, STAGES, Progress, Unreadable, from_text, to_text
from polarisd import keys
from polarisd.api.errors import ControlError
from tests.unit.register_support import HOTKEY, IDENTITY, subnet

SENT_ONE = Progress(
    stage=SENT, mode="bittensor", hotkey=HOTKEY, network="local", netuid=49, sent_block=990,
    valid_blocks=8,
)  # fmt: skip


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@given(
    st.builds(
        Progress,
        stage=st.sampled_from(STAGES),
        mode=st.text(),
        hotkey=st.text(),
        network=st.text(),
        netuid=st.integers(0, 1 << 20),
        sent_block=st.integers(0, 1 << 40),
    )
)
def test_progress_is_read_as_it_was_written(progress: Progress) -> None:
    assert from_text(to_text(progress)) == progress


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("hotkey"),
        lambda d: d.update(version=2),
        lambda d: d.update(stage="sleeping"),
        lambda d: d.update(netuid="49"),
        lambda d: d.update(netuid=True),
        lambda d: d.update(sent_block=-1),
        lambda d: d.update(more=1),
        lambda d: d.update(made=1),
    ],
)
def test_what_was_not_written_by_us_is_not_acted_upon(
    change: Callable[[dict[str, object]], object],
) -> None:
    document = json.loads(to_text(SENT_ONE))
    change(document)
    with pytest.raises(Unreadable):
        from_text(json.dumps(document))


@given(st.text())
def test_garbage_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        from_text(text)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "credentials")


class TestPlace:
    def test_a_spoiled_file_stops_it(self, place: Place) -> None:
        place.own.mkdir()
        (place.own / "progress").write_text("{")
        with pytest.raises(ControlError, match="it is not JSON") as caught:
            place.progress()
        assert "look on the chain" in caught.value.hint

    def test_it_is_private_whatever_the_umask(self, place: Place) -> None:
        hotkey, _ = keys.new()
        before = os.umask(0)
        try:
            with place.held("register"):
                place.save(SENT_ONE)
                place.keep(hotkey)
                assert mode_of(place.kept(hotkey.ss58)) == 0o600
                assert mode_of(place.own / "progress") == 0o600
                place.install(hotkey)
        finally:
            os.umask(before)
        assert mode_of(place.credential) == 0o600
        assert (mode_of(place.own), mode_of(place.credential.parent)) == (0o700, 0o700)
        assert place.progress() == SENT_ONE
        assert place.installed() == hotkey

    def test_the_key_before_is_kept(self, place: Place) -> None:
        (first, _), (second, _) = keys.new(), keys.new()
        with place.held("register"):
            assert place.install(first)
            assert place.install(second)
            assert not place.install(second)
        assert place.installed() == second
        assert place.read_kept(first.ss58) == first
        assert sorted(path.name for path in place.credential.parent.iterdir()) == ["hotkey"]

    def test_a_second_one_is_turned_away(self, place: Place) -> None:
        with (
            place.held("register"),
            pytest.raises(ControlError, match="another polarisctl register"),
            place.held("register"),
        ):
            raise AssertionError

    def test_what_was_cut_while_it_was_written_goes(self, place: Place) -> None:
        place.own.mkdir()
        partial = place.own / f"hotkey-{HOTKEY}.new"
        partial.write_text("{")
        with place.held("register"):
            assert not partial.exists()

    def test_a_link_in_the_way_is_not_followed(self, place: Place, tmp_path: Path) -> None:
        with place.held("register"):
            (place.own / "progress.new").symlink_to(tmp_path / "victim")
            with pytest.raises(ControlError, match="cannot write"):
                place.save(SENT_ONE)
        assert not (tmp_path / "victim").exists()

    @pytest.mark.parametrize(
        ("content", "why"), [(b"$NACLxxxx", "it is encrypted"), (b"x", "not a bittensor keyfile")]
    )
    def test_a_credential_that_cannot_be_used(self, place: Place, content: bytes, why: str) -> None:
        place.credential.parent.mkdir()
        place.credential.write_bytes(content)
        with pytest.raises(ControlError, match=why):
            place.installed()

    def test_a_directory_is_no_credential(self, place: Place) -> None:
        place.credential.mkdir(parents=True)
        with pytest.raises(ControlError, match="not a plain file"):
            place.installed()


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.none() | st.floats(-1e4, 1e4))
def test_a_node_that_lags_does_not_make_it_void(
    sent: int, behind: int, age_s: float | None
) -> None:
    seen = replace(subnet(), block=max(sent - behind, 0), block_age_s=age_s)
    last = paying.last_block(replace(SENT_ONE, sent_block=sent), seen)
    assert last >= sent + SENT_ONE.valid_blocks
    if age_s is None or abs(age_s) > 60:
        # Its word for what is now counts for nothing.
        most = PATIENCE.submit_s / IDENTITY.block_time_s
        assert last >= sent + most + SENT_ONE.valid_blocks


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_what_was_sent_is_waited_for_as_long_as_it_can_land(sent: int, later: int) -> None:
    """It was signed between the one block and the other, and within the time that a
    submission takes."""
    seen = replace(subnet(), block=sent + later)
    last = paying.last_block(replace(SENT_ONE, sent_block=sent), seen)
    most = PATIENCE.submit_s / IDENTITY.block_time_s
    assert last >= sent + min(later, most) + SENT_ONE.valid_blocks
    assert last <= sent + most + 1 + SENT_ONE.valid_blocks + paying.MARGIN_BLOCKS
