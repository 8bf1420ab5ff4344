"""The shell around the decision: what wakes it, what it publishes, when it asks echo services."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from polarisd.api.network import ECHO, VALIDATORS, Network
from polarisd.api.reading import Reading, Unknown
from polarisd.net.given import Settings
from polarisd.net.interfaces import Interfaces
from polarisd.net.watch import AddressWatch
from tests.unit.net_support import OTHER, PRIVATE, PUBLIC, PUBLIC6, UNIQUE6, NoBody, machine

Publish = Callable[[Reading[Interfaces]], None]
SERVICES = Settings(echo_services=("http://one.example/", "http://two.example/"))
HOUR_S = 3600.0
OTHER_LAN = "192.168.7.7"


class Rig:
    """A watch on a kernel and echo services that the test speaks for."""

    def __init__(self, settings: Settings) -> None:
        self.published: list[Network] = []
        self.asked: list[float] = []
        self.asked_from: set[str | None] = set()
        self.says = PUBLIC
        self._kernel: Publish | None = None
        self.watch = AddressWatch(
            settings,
            self.published.append,
            self._get,
            trio.current_time,
            follow=self._follow,
        )

    def show(self, interfaces: Reading[Interfaces]) -> None:
        assert self._kernel is not None
        self._kernel(interfaces)

    @property
    def newest(self) -> Network:
        return self.published[-1]

    async def _follow(self, publish: Publish) -> None:
        self._kernel = publish
        await trio.sleep(0.1)
        publish(machine(PRIVATE, source=PRIVATE))
        await trio.sleep_forever()

    async def _get(
        self, url: str, *, deadline_s: float, most_bytes: int, from_address: str | None = None
    ) -> bytes | NoBody:
        self.asked.append(trio.current_time())
        self.asked_from.add(from_address)
        return self.says.encode() if self.says else NoBody("no answer")


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Rig]:
    rig = Rig(settings)
    async with trio.open_nursery() as nursery:
        await nursery.start(rig.watch.run)
        yield rig
        nursery.cancel_scope.cancel()


async def test_it_is_started_once_the_interfaces_were_read(autojump_clock: MockClock) -> None:
    async with running(Settings()) as rig:
        assert trio.current_time() == 0.1
        assert isinstance(rig.newest.ipv4, Unknown)
        assert PRIVATE in rig.newest.ipv4.detail


async def test_only_changes_are_published(autojump_clock: MockClock) -> None:
    async with running(Settings()) as rig:
        rig.show(machine(PUBLIC))
        rig.show(machine(PUBLIC))
        assert len(rig.published) == 2
        for _ in range(20):
            await trio.sleep(30)
            rig.watch.take_sighting("alice", PUBLIC, trio.current_time())
        assert len(rig.published) == 3  # alice became a candidate
        rig.show(machine(PUBLIC, carrier=False))
        assert isinstance(rig.newest.endpoint, Unknown)


async def test_time_alone_changes_what_is_known(autojump_clock: MockClock) -> None:
    async with running(Settings()) as rig:
        rig.watch.take_sighting("alice", PUBLIC, trio.current_time())
        assert isinstance(rig.newest.ipv4, Unknown)
        await trio.sleep(59)
        assert isinstance(rig.newest.ipv4, Unknown)
        await trio.sleep(2)
        assert rig.newest.endpoint == f"{PUBLIC}:8000"
        await trio.sleep(240)
        assert isinstance(rig.newest.ipv4, Unknown)
        assert "no validators have said lately" in rig.newest.ipv4.detail


async def test_those_who_say_the_same_for_hours_keep_it_known(autojump_clock: MockClock) -> None:
    async with running(Settings()) as rig:
        for _ in range(3 * 120):
            for validator in ("alice", "bob"):
                rig.watch.take_sighting(validator, PUBLIC, trio.current_time())
            await trio.sleep(30)
            assert rig.newest.endpoint == f"{PUBLIC}:8000"
        assert len(rig.published) == 3
        await trio.sleep(300)
        assert isinstance(rig.newest.endpoint, Unknown)


async def test_after_a_move_the_same_words_count_anew(autojump_clock: MockClock) -> None:
    async with running(Settings()) as rig:
        known = []
        for source in (PRIVATE, OTHER_LAN):
            rig.show(machine(source, source=source))
            known.append(not isinstance(rig.newest.endpoint, Unknown))
            await trio.sleep(30)
            for validator in ("alice", "bob"):
                rig.watch.take_sighting(validator, PUBLIC, trio.current_time())
            known.append(not isinstance(rig.newest.endpoint, Unknown))
            await trio.sleep(1)
        assert known == [False, True, False, True]


async def test_while_nothing_happens_it_sleeps(autojump_clock: MockClock) -> None:
    async with running(Settings(prefer="ipv6")) as rig:
        rig.show(machine(PUBLIC, PUBLIC6))
        await wait_all_tasks_blocked()
        published = len(rig.published)
        await trio.sleep(30 * 24 * HOUR_S)
        assert len(rig.published) == published


async def test_garbage_from_a_validator_is_of_no_account(autojump_clock: MockClock) -> None:
    async with running(Settings()) as rig:
        published = len(rig.published)
        for garbage in ("", "nonsense", "1.2.3.4:80", "fe80::1%eth0", "9" * 10_000):
            rig.watch.take_sighting("alice", garbage, trio.current_time())
        assert len(rig.published) == published


async def test_validators_without_number_take_bounded_room(autojump_clock: MockClock) -> None:
    async with running(Settings()) as rig:
        for number in range(600):
            rig.watch.take_sighting(f"validator {number}", PUBLIC, trio.current_time())
        assert len(rig.watch._told.sightings) == 512
        assert len(rig.newest.candidates) == 65


async def test_new_settings_count_at_once(autojump_clock: MockClock) -> None:
    async with running(Settings()) as rig:
        rig.show(machine(PUBLIC, PUBLIC6))
        assert rig.newest.endpoint == f"{PUBLIC}:8000"
        rig.watch.settings = Settings(prefer="ipv6", port=9000)
        assert rig.newest.endpoint == f"[{PUBLIC6}]:9000"
        rig.watch.settings = Settings(public_address=OTHER, port=9000)
        assert rig.newest.endpoint == f"{OTHER}:9000"


async def test_the_same_settings_again_change_nothing(autojump_clock: MockClock) -> None:
    async with running(Settings()) as rig:
        rig.show(machine(PUBLIC6))
        await trio.sleep(100)
        assert rig.newest.endpoint == f"[{PUBLIC6}]:8000"
        published = len(rig.published)
        rig.watch.settings = Settings()
        assert len(rig.published) == published


async def test_echo_services_are_asked_at_once_and_then_rarely(autojump_clock: MockClock) -> None:
    async with running(SERVICES) as rig:
        await wait_all_tasks_blocked()
        assert len(rig.asked) == 2
        assert rig.newest.endpoint == f"{PUBLIC}:8000"
        await trio.sleep(24 * HOUR_S)
        assert 20 * 2 <= len(rig.asked) <= 31 * 2
        assert isinstance(rig.newest.endpoint, str)


async def test_a_new_address_behind_the_router_is_found_by_and_by(
    autojump_clock: MockClock,
) -> None:
    async with running(SERVICES) as rig:
        await wait_all_tasks_blocked()
        rig.says = OTHER
        await trio.sleep(1.5 * HOUR_S)
        assert rig.newest.endpoint == f"{OTHER}:8000"


async def test_a_move_asks_echo_services_again_but_not_in_a_frenzy(
    autojump_clock: MockClock,
) -> None:
    async with running(SERVICES) as rig:
        await trio.sleep(60)
        for number in range(100):
            rig.show(machine(f"192.168.1.{number}", source=f"192.168.1.{number}"))
            await trio.sleep(1)
        assert 2 + 2 * 8 <= len(rig.asked) <= 2 + 2 * 12
        rig.says = OTHER
        rig.show(machine("192.168.2.2", source="192.168.2.2"))
        await trio.sleep(11)
        assert rig.newest.endpoint == f"{OTHER}:8000"


async def test_silent_echo_services_are_asked_less_and_less(autojump_clock: MockClock) -> None:
    async with running(SERVICES) as rig:
        rig.says = ""
        rig.show(machine("192.168.9.9", source="192.168.9.9"))
        await trio.sleep(24 * HOUR_S)
        times = sorted(set(rig.asked))
        gaps = [after - before for before, after in itertools.pairwise(times)]
        assert gaps[1] < 180
        assert len(gaps) < 40
        assert gaps[-1] > 2400


async def test_echo_services_are_left_alone_where_better_is_known(
    autojump_clock: MockClock,
) -> None:
    async with running(SERVICES) as rig:
        await wait_all_tasks_blocked()
        asked = len(rig.asked)
        for _ in range(2 * 120):
            for validator in ("alice", "bob"):
                rig.watch.take_sighting(validator, OTHER, trio.current_time())
            await trio.sleep(30)
        assert len(rig.asked) == asked
        assert rig.newest.endpoint == f"{OTHER}:8000"
        assert not isinstance(rig.newest.ipv4, Unknown)
        assert rig.newest.ipv4.source == VALIDATORS
        await trio.sleep(HOUR_S)  # no validator says anything any more
        assert len(rig.asked) > asked
        assert rig.newest.ipv4.source == ECHO


async def test_echo_services_that_are_configured_later_are_asked(
    autojump_clock: MockClock,
) -> None:
    async with running(Settings()) as rig:
        await trio.sleep(100)
        rig.watch.settings = SERVICES
        await trio.sleep(1)
        assert len(rig.asked) == 2
        rig.watch.settings = Settings(echo_services=(*SERVICES.echo_services, "http://3.example"))
        await trio.sleep(11)
        assert len(rig.asked) == 5


async def test_without_a_way_out_nobody_is_asked(autojump_clock: MockClock) -> None:
    async with running(SERVICES) as rig:
        await wait_all_tasks_blocked()
        asked = len(rig.asked)
        rig.show(machine())
        await trio.sleep(10 * HOUR_S)
        assert len(rig.asked) == asked


async def test_they_are_asked_in_the_family_that_is_to_be_published(
    autojump_clock: MockClock,
) -> None:
    async with running(SERVICES) as rig:
        await wait_all_tasks_blocked()
        assert rig.asked_from == {"0.0.0.0"}
        rig.asked_from.clear()
        rig.says = PUBLIC6
        rig.show(machine(UNIQUE6))
        await trio.sleep(100)
        assert rig.asked_from == {"::"}
        assert rig.newest.endpoint == f"[{PUBLIC6}]:8000"
