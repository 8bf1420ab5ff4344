"""What is made of the host's counters and files."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polarisd.api.reading import NOT_SUPPORTED, Unknown
from polarisd.hostmath import (
    CpuTime,
    Traffic,
    cpu_model_in,
    cpu_percent,
    is_counted,
    kibibytes_in,
    network_rates,
    os_name_in,
    steady_boot_at,
)

MS = st.integers(0, 10**15)


@given(MS, MS, MS, MS)
def test_cpu_percent_is_a_percentage_or_unknown(a: int, b: int, c: int, d: int) -> None:
    percent = cpu_percent(CpuTime(busy_ms=a, idle_ms=b), CpuTime(busy_ms=c, idle_ms=d))
    if c < a or d < b or (a, b) == (c, d):
        assert isinstance(percent, Unknown)
    else:
        assert not isinstance(percent, Unknown)
        assert 0 <= percent <= 100


TRAFFIC = st.dictionaries(
    st.sampled_from(["eth0", "eth1", "ib0"]),
    st.builds(Traffic, tx_bytes=st.integers(0, 2**64), rx_bytes=st.integers(0, 2**64)),
)


@given(TRAFFIC, TRAFFIC, st.floats(-1, 100) | st.just(0.0))
@example({"eth0": Traffic(tx_bytes=1, rx_bytes=1)}, {"eth0": Traffic(tx_bytes=2, rx_bytes=2)}, 0.0)
def test_network_rates_are_never_negative(
    before: dict[str, Traffic], after: dict[str, Traffic], elapsed_s: float
) -> None:
    both = set(before) & set(after)
    for rate, counter in zip(
        network_rates(before, after, elapsed_s), ("tx_bytes", "rx_bytes"), strict=True
    ):
        went_back = any(getattr(after[n], counter) < getattr(before[n], counter) for n in both)
        assert isinstance(rate, Unknown) == (not both or elapsed_s <= 0 or went_back)
        assert isinstance(rate, Unknown) or rate >= 0


def test_an_interface_that_comes_or_goes_is_left_out_of_the_rate() -> None:
    one, two = Traffic(tx_bytes=1, rx_bytes=1), Traffic(tx_bytes=11, rx_bytes=21)
    assert network_rates({"eth0": one, "eth1": two}, {"eth0": two, "usb0": two}, 10.0) == (1, 2)


def test_a_machine_with_no_interface_of_its_own_has_no_network_rate() -> None:
    tx, rx = network_rates({}, {}, 1.0)
    assert tx == rx
    assert isinstance(tx, Unknown)
    assert tx.reason == NOT_SUPPORTED


@pytest.mark.parametrize(
    "name",
    [
        "eth0",
        "eno1np0",
        "enp3s0f1",
        "ens5",
        "wlan0",
        "ib0",
        "ibp1s0",
        "bnxt0",
        "lom0",
        "usb0",
        "p1p1",
    ],
)
def test_counts(name: str) -> None:
    assert is_counted(name)


@pytest.mark.parametrize(
    "name",
    [
        *("lo", "veth1a2b3c", "vethwepl12", "docker0", "docker_gwbridge", "br-5f2c81d090ab", "br0"),
        *(
            "virbr0",
            "vnet3",
            "cni0",
            "cali0a1b",
            "flannel.1",
            "eth0.100",
            "bond0",
            "bond0.5",
            "wg0",
        ),
        *(
            "tun0",
            "tap0",
            "tailscale0",
            "dummy0",
            "ifb1",
            "podman1",
            "vxlan.calico",
            "vlan7",
            "sit0",
        ),
    ],
)
def test_does_not_count(name: str) -> None:
    assert not is_counted(name)


@given(st.floats(0, 2e9), st.lists(st.floats(-1.9, 1.9), max_size=10))
def test_boot_time_ignores_corrections_of_the_clock(boot_at: float, wobble: list[float]) -> None:
    told = steady_boot_at(None, boot_at)
    assert told == boot_at
    for offset in wobble:
        told = steady_boot_at(told, boot_at + offset)
    assert told == boot_at
    assert steady_boot_at(told, boot_at + 3600) == boot_at + 3600


@given(st.text())
def test_parsers_take_any_text(text: str) -> None:
    assert all(value >= 0 for value in kibibytes_in(text).values())
    for found in (cpu_model_in(text), os_name_in(text)):
        assert found is None or found


@given(st.dictionaries(st.from_regex(r"\A[A-Za-z_()0-9]+\Z"), st.integers(0, 10**12)))
def test_meminfo_round_trip(table: dict[str, int]) -> None:
    text = "".join(f"{key}: {value:>12} kB\n" for key, value in table.items())
    assert kibibytes_in(text) == table


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n', "Debian GNU/Linux 12 (bookworm)"),
        ("NAME=x\nPRETTY_NAME='Single'", "Single"),
        ("PRETTY_NAME=Plain", "Plain"),
        ("PRETTY_NAME=Early\nID=x\nPRETTY_NAME=Late\n", "Late"),
        ('PRETTY_NAME="a \\$ \\"b\\" \\\\"', 'a $ "b" \\'),
        ('PRETTY_NAME=""', None),
        ("XPRETTY_NAME=x", None),
        ("", None),
    ],
)
def test_os_name(text: str, name: str | None) -> None:
    assert os_name_in(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("model\t\t: 2\nmodel name\t: AMD EPYC   9654\n", "AMD EPYC 9654"),
        ("processor : 0\nModel\t\t: Raspberry Pi 5\n", "Raspberry Pi 5"),
        ("cpu\t\t: POWER9, altivec supported\n", "POWER9, altivec supported"),
        ("cpu family\t: 6\ncpu MHz\t: 2000\nmodel name\t:\n", None),
    ],
)
def test_cpu_model(text: str, name: str | None) -> None:
    assert cpu_model_in(text) == name
