"""What echo services answer, and what is made of it."""

from __future__ import annotations

import trio
from hypothesis import given
from hypothesis import strategies as st

from polarisd.net.echo import DEADLINE_S, MOST_BYTES, ask, host_of, understood
from polarisd.net.evidence import Witness
from polarisd.net.kinds import IPV6, parse
from tests.unit.net_support import NOW, PUBLIC, NoBody, ips, witness


@given(ips, st.sampled_from(["", "\n", "\r\n", "  "]))
def test_an_address_is_understood(ip: object, end: str) -> None:
    assert understood(f"{ip}{end}".encode(), "a.example", NOW) == witness("a.example", str(ip))


@given(st.binary(max_size=200))
def test_whatever_comes_is_an_address_or_a_sentence(body: bytes) -> None:
    said = understood(body, "a.example", NOW)
    if isinstance(said, Witness):
        assert parse(body.decode().strip()) == said.ip
    else:
        assert said == "echo service a.example gave no address: its answer is something else"


def test_why_it_did_not_answer_is_said_in_bounds() -> None:
    said = understood(NoBody("x" * 5000), "a.example", NOW)
    assert isinstance(said, str)
    assert len(said) < 300


def test_a_long_answer_is_none() -> None:
    assert isinstance(understood(b" " * MOST_BYTES + b"1.2.3.4", "a.example", NOW), str)


def test_services_on_one_host_are_one_voice() -> None:
    assert host_of("http://a.example/ip") == host_of("https://A.example:8443/v4") == "a.example"


async def test_all_are_asked_at_once_and_a_silent_one_costs_its_deadline(
    autojump_clock: trio.testing.MockClock,
) -> None:
    asked: list[tuple[str, float, int, str | None]] = []

    async def get(
        url: str, *, deadline_s: float, most_bytes: int, from_address: str | None = None
    ) -> bytes | NoBody:
        asked.append((url, deadline_s, most_bytes, from_address))
        if url == "http://silent.example/":
            await trio.sleep_forever()
        if url == "http://broken.example/":
            return NoBody("connection refused")
        await trio.sleep(1)
        return PUBLIC.encode()

    urls = [f"http://{name}.example/" for name in ("silent", "one", "broken", "two")]
    echoes = await ask(urls, IPV6, get, trio.current_time)
    assert trio.current_time() == DEADLINE_S
    assert {w.origin for w in echoes.witnesses} == {"one.example", "two.example"}
    assert echoes.problems == (
        "echo service broken.example gave no address: connection refused",
        "echo service silent.example gave no address: no answer in time",
    )
    assert sorted(asked) == sorted((url, DEADLINE_S, MOST_BYTES, "::") for url in urls)
