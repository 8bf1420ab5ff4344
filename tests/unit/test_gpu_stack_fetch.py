"""Downloads against a real index on the loopback that does everything wrong once."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from polarisctl.gpu_stack import fetch as fetching
from polarisctl.gpu_stack.fetch import fetch, part_of
from polarisctl.gpu_stack.index import Index, check_url, links
from polarisctl.gpu_stack.web import Web
from polarisd.api.errors import ControlError
from tests.fakes.wheel_index import Fault, IndexServer
from tests.unit.gpu_stack_support import (
    CUBLAS,
    Clock,
    lock_of,
    make_wheels,
    serving,
    wheel_named,
)


class Download:
    """One wheel from an index with these faults."""

    def __init__(self, tmp_path: Path, *faults: Fault, html: bool = False) -> None:
        wheels = make_wheels(tmp_path / "index")
        self.wheel = wheel_named(lock_of(wheels), CUBLAS)
        self.target = tmp_path / CUBLAS
        self.server = IndexServer(tmp_path / "index", html=html, faults={CUBLAS: list(faults)})
        self.clock = Clock()
        self.told: list[int] = []

    def run(self, deadline_s: float = 0.5) -> None:
        with serving(self.server):
            web = Web(deadline_s)
            url = Index(self.server.url, web.page).url_of(self.wheel.project, CUBLAS)
            fetch(
                url,
                self.wheel,
                self.target,
                web=web,
                tell=self.told.append,
                waits=self.clock.waits,
            )

    @property
    def ranges(self) -> list[str]:
        return [asked for path, asked in self.server.seen if path.startswith("/files/")]

    def arrived(self) -> bool:
        whole = self.server.directory / CUBLAS
        return self.target.read_bytes() == whole.read_bytes() and not part_of(self.target).exists()


@pytest.mark.parametrize("html", [False, True])
def test_in_one_go(tmp_path: Path, html: bool) -> None:
    download = Download(tmp_path, html=html)
    download.run()
    assert download.arrived()
    assert download.told[-1] == download.wheel.size_bytes
    assert download.clock.slept == []


def test_a_connection_that_drops_is_resumed(tmp_path: Path) -> None:
    download = Download(tmp_path, Fault(drop_after=40), Fault(drop_after=30))
    download.run()
    assert download.arrived()
    assert download.ranges == ["", "bytes=40-", "bytes=70-"]


def test_one_that_stalls_is_given_up_and_resumed(tmp_path: Path) -> None:
    download = Download(tmp_path, Fault(drop_after=40, stall=True))
    download.run(deadline_s=0.1)
    assert download.arrived()
    assert download.ranges == ["", "bytes=40-"]


def test_what_an_earlier_run_left_is_used(tmp_path: Path) -> None:
    download = Download(tmp_path)
    whole = (download.server.directory / CUBLAS).read_bytes()
    part_of(download.target).write_bytes(whole[:100])
    download.run()
    assert download.arrived()
    assert download.ranges == ["bytes=100-"]


def test_a_whole_part_needs_no_connection(tmp_path: Path) -> None:
    download = Download(tmp_path)
    part_of(download.target).write_bytes((download.server.directory / CUBLAS).read_bytes())
    download.run()
    assert download.arrived()
    assert download.ranges == []


def test_a_server_without_ranges_sends_it_all_again(tmp_path: Path) -> None:
    download = Download(tmp_path, Fault(drop_after=40), Fault(no_ranges=True))
    download.run()
    assert download.arrived()
    assert download.ranges == ["", "bytes=40-"]


def test_what_was_spoiled_earlier_is_fetched_anew_once(tmp_path: Path) -> None:
    download = Download(tmp_path)
    part_of(download.target).write_bytes(b"x" * 50)
    download.run()
    assert download.arrived()
    assert download.ranges == ["bytes=50-", ""]


def test_a_part_that_is_too_long_is_thrown_away(tmp_path: Path) -> None:
    download = Download(tmp_path)
    part_of(download.target).write_bytes(b"x" * 100_000)
    download.run()
    assert download.arrived()


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_a_passing_refusal_is_waited_out(tmp_path: Path, status: int) -> None:
    download = Download(tmp_path, Fault(status=status, headers={"Retry-After": "7"}))
    download.run()
    assert download.arrived()
    assert download.clock.slept == [7.0]


def test_nobody_can_make_us_wait_for_long(tmp_path: Path) -> None:
    download = Download(tmp_path, Fault(status=503, headers={"Retry-After": "86400"}))
    download.run()
    assert download.clock.slept == [60.0]


def test_attempts_that_bring_nothing_end_it_with_growing_pauses(tmp_path: Path) -> None:
    download = Download(tmp_path, *[Fault(status=500)] * 20)
    with pytest.raises(ControlError, match="answered 500") as caught:
        download.run()
    assert "goes on" in caught.value.hint
    assert len(download.ranges) == fetching.IDLE_ATTEMPTS
    assert download.clock.slept == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_attempts_that_bring_something_are_bounded_too(tmp_path: Path) -> None:
    download = Download(tmp_path, *[Fault(drop_after=1)] * 200)
    with pytest.raises(ControlError, match="ended after"):
        download.run()
    assert len(download.ranges) == fetching.ATTEMPTS
    assert part_of(download.target).stat().st_size == fetching.ATTEMPTS


@pytest.mark.parametrize(
    ("fault", "says", "remedy"),
    [
        (Fault(status=404), "answered 404", "--from"),
        (Fault(status=401), "answered 401", "login"),
        (Fault(status=407), "answered 407", "the proxy"),
        (Fault(status=416), "answered 416", "another index"),
        (Fault(grow=5), "has .* bytes, not", "another index"),
    ],
    ids=str,
)
def test_an_answer_that_will_not_change_ends_it_at_once(
    tmp_path: Path, fault: Fault, says: str, remedy: str
) -> None:
    download = Download(tmp_path, fault)
    with pytest.raises(ControlError, match=says) as caught:
        download.run()
    assert remedy in caught.value.hint
    assert len(download.ranges) == 1


def test_another_file_behind_a_range_ends_it(tmp_path: Path) -> None:
    download = Download(tmp_path, Fault(drop_after=40), Fault(grow=5))
    with pytest.raises(ControlError, match="another file"):
        download.run()


def test_a_changed_file_is_never_used(tmp_path: Path) -> None:
    download = Download(tmp_path, Fault(spoil=True), Fault(spoil=True))
    with pytest.raises(ControlError, match="SHA-256") as caught:
        download.run()
    assert "--index-url" in caught.value.hint
    assert not download.target.exists()
    assert not part_of(download.target).exists()
    assert download.ranges == ["", ""]


def test_a_trickle_counts_as_nothing(tmp_path: Path) -> None:
    """Every look at the clock takes a minute here, so each connection is far too slow."""
    download = Download(tmp_path, *[Fault(drop_after=1)] * 200)
    download.clock.step_s = 61.0
    with pytest.raises(ControlError, match="only 1 bytes came in 61 s"):
        download.run()


def test_a_full_disk_is_no_matter_of_the_network(tmp_path: Path) -> None:
    download = Download(tmp_path)
    part_of(download.target).symlink_to("/dev/full")
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        download.run()
    assert len(download.ranges) == 1


def test_nobody_listens(tmp_path: Path) -> None:
    server = IndexServer(tmp_path)
    server.server_close()
    with pytest.raises(ControlError, match="refused") as caught:
        Index(server.url, Web(0.5).page).url_of("cupy", CUBLAS)
    assert "HTTPS_PROXY" in caught.value.hint


def test_a_project_that_the_index_does_not_have(tmp_path: Path) -> None:
    with (
        serving(IndexServer(tmp_path)) as server,
        pytest.raises(ControlError, match="answered 404"),
    ):
        Index(server.url, Web(0.5).page).url_of("cupy", CUBLAS)


def test_a_file_that_the_index_does_not_have(tmp_path: Path) -> None:
    make_wheels(tmp_path)
    with (
        serving(IndexServer(tmp_path)) as server,
        pytest.raises(ControlError, match="does not have it") as caught,
    ):
        Index(server.url, Web(0.5).page).url_of("nvidia-cublas-cu12", "other.whl")
    assert "--from" in caught.value.hint


def test_a_page_without_end_is_not_read(tmp_path: Path) -> None:
    make_wheels(tmp_path)
    with (
        serving(IndexServer(tmp_path)) as server,
        pytest.raises(ControlError, match="larger than 10 bytes"),
    ):
        Web(0.5).page(f"{server.url}/nvidia-cublas-cu12/", "*/*", 10)


@pytest.mark.parametrize("url", ["file:///etc", "ftp://host/simple", "pypi.org", "https://"])
def test_other_schemes_are_no_index(url: str) -> None:
    with pytest.raises(ControlError, match="http or https"):
        check_url(url)


def test_a_password_in_the_url_is_not_taken() -> None:
    with pytest.raises(ControlError) as caught:
        check_url("https://me:secret@host/simple")
    assert "secret" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("body", [b"[]", b"{", b"[" * 100_000, b'{"files": [1, {"url": 2}]}'])
def test_a_page_of_nonsense_has_no_files(body: bytes) -> None:
    assert links("http://h/simple/x/", "application/json", body) == {}
    assert links("http://h/simple/x/", "text/html", body) == {}


def test_a_redirect_out_of_http_is_not_followed(tmp_path: Path) -> None:
    download = Download(
        tmp_path, *[Fault(status=302, headers={"Location": "file:///etc/passwd"})] * 9
    )
    with pytest.raises(ControlError, match="cannot download"):
        download.run()
    assert not download.target.exists()
