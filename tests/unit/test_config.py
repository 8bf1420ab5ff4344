"""The keys of polaris.toml, what they accept, and the texts that describe them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd import sections
from polarisd.checking import CheckFailed, check
from polarisd.config import Config, changed, parse, values

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "polaris.toml.example"
MANUAL = ROOT / "docs/man/polaris.toml.5"

UUID = "GPU-5f2c81d0-90ab-4c1e-8f02-7d3b9a6e1c44"
HOTKEY = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"

# The promise to operators: these names and defaults stay.
DEFAULTS: dict[str, dict[str, object]] = {
    "node": {"role": "miner", "mode": "independent"},
    "control": {
        "socket_path": "/run/polaris/polarisd.sock",
        "local_users_may_read": False,
        "max_sessions": 64,
    },
    "state": {"directory": "/var/lib/polaris"},
    "gpu": {
        "sample_interval_s": 1.0,
        "condition_interval_s": 30.0,
        "call_deadline_s": 2.0,
        "history_s": 600,
        "withhold": [],
    },
    "ports": {"api": 8000, "ssh_first": 11000, "ssh_last": 11002},
    "chain": {
        "network": "",
        "fallback_endpoints": [],
        "netuid": 0,
        "genesis_hash": "",
        "subnet_name": "",
    },
    "network": {
        "public_address": "",
        "prefer": "ipv4",
        "echo_services": [],
        "listen_address": "",
    },
    "heartbeat": {"interval_s": 30.0, "validators": []},
    "commune": {"python": ""},
    "log": {"level": "info"},
}
KEYS = [f"{section}.{key}" for section, keys in DEFAULTS.items() for key in keys]


def problems_of(text: str) -> dict[str, str]:
    with pytest.raises(CheckFailed) as failed:
        parse(text)
    return {problem.path: problem.message for problem in failed.value.problems}


def with_key(path: str, value: str) -> str:
    section, key = path.split(".")
    return f"[{section}]\n{key} = {value}\n"


def test_an_empty_file_means_the_defaults() -> None:
    assert parse("") == Config()
    assert values(Config()) == DEFAULTS


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("control.socket_path", '"/tmp/x.sock"'),
        ("control.local_users_may_read", "true"),
        ("control.max_sessions", "1"),
        ("control.max_sessions", "1024"),
        ("state.directory", '"/srv/polaris/"'),
        ("gpu.sample_interval_s", "0.1"),
        ("gpu.sample_interval_s", "5"),
        ("gpu.condition_interval_s", "3600"),
        ("gpu.condition_interval_s", "5"),
        ("gpu.call_deadline_s", "0.1"),
        ("gpu.call_deadline_s", "60"),
        ("gpu.history_s", "60"),
        ("gpu.history_s", "3_600"),
        ("gpu.withhold", f'["{UUID}"]'),
        ("gpu.withhold", f'["MIG-{UUID[4:]}", "MIG-{UUID}/1/0"]'),
        ("ports.api", "1"),
        ("ports.api", "65535"),
        ("ports.api", "10999"),
        ("ports.api", "11003"),
        ("ports.ssh_first", "11002"),
        ("ports.ssh_last", "11255"),
        ("chain.netuid", "49"),
        ("chain.fallback_endpoints", '["wss://node.example.net:443", "ws://[::1]:9944"]'),
        ("chain.genesis_hash", f'"0x{"0" * 64}"'),
        ("chain.subnet_name", '"polaris"'),
        ("network.public_address", '"203.0.113.9"'),
        ("network.public_address", '"2001:db8::9"'),
        ("network.prefer", '"ipv6"'),
        ("network.echo_services", '["https://a.example.org", "http://[::1]:80/ip"]'),
        ("network.listen_address", '"127.0.0.1"'),
        ("heartbeat.interval_s", "5"),
        ("heartbeat.validators", f'["{HOTKEY}@203.0.113.9:8000", "{HOTKEY}@[2001:db8::9]:1"]'),
        ("commune.python", '"/opt/commune/bin/python"'),
        ("log.level", '"debug"'),
    ],
)
def test_accepts(path: str, value: str) -> None:
    section, key = path.split(".")
    made = values(parse(with_key(path, value)))
    assert made[section][key] != DEFAULTS[section][key]
    made[section][key] = DEFAULTS[section][key]
    assert made == DEFAULTS


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("node.role", '"renter"', 'must be one of "miner", "validator", not "renter"'),
        ("node.mode", '"polkadot"', 'must be one of "independent", "bittensor", "commune", not'),
        ("control.socket_path", '"polarisd.sock"', "must be an absolute path of at most 107 bytes"),
        ("control.socket_path", f'"/{"x" * 107}"', "must be an absolute path of at most 107 bytes"),
        ("control.socket_path", '"/run/polaris/"', "names a directory"),
        ("control.local_users_may_read", '"yes"', "must be true or false"),
        ("control.max_sessions", "0", "must be a whole number from 1 to 1024, not 0"),
        ("control.max_sessions", "1025", "must be a whole number from 1 to 1024"),
        ("state.directory", '"/"', "must be an absolute path"),
        ("state.directory", '"/var/lib/../polaris"', "must be an absolute path"),
        ("gpu.sample_interval_s", "0.09", "must be a number from 0.1 to 60, not 0.09"),
        ("gpu.sample_interval_s", "60.1", "must be a number from 0.1 to 60"),
        ("gpu.sample_interval_s", "nan", "must be a number from 0.1 to 60, not nan"),
        ("gpu.sample_interval_s", "31", "is 31; must not be longer than condition_interval_s"),
        ("gpu.condition_interval_s", "4.9", "must be a number from 5 to 3600"),
        ("gpu.condition_interval_s", "inf", "must be a number from 5 to 3600"),
        ("gpu.call_deadline_s", "0", "must be a number from 0.1 to 60"),
        ("gpu.history_s", "59", "must be a whole number from 60 to 3600"),
        ("gpu.history_s", "600.0", "must be a whole number from 60 to 3600"),
        ("gpu.withhold", f'"{UUID}"', "must be a list of at most 256 items"),
        ("ports.api", "0", "must be a whole number from 1 to 65535"),
        ("ports.api", "11000", "is 11000; must not be one of the SSH ports 11000 to 11002"),
        ("ports.api", "11002", "is 11002; must not be one of the SSH ports 11000 to 11002"),
        ("ports.ssh_first", "65536", "must be a whole number from 1 to 65535"),
        ("ports.ssh_last", "10999", "is 10999; must not be below ssh_first, which is 11000"),
        ("ports.ssh_last", "11256", "is 11256, which makes 257 ports from ssh_first (11000)"),
        ("chain.network", '"https://node.example.net"', 'must be one of "finney", "test" and'),
        ("chain.network", '"mainnet"', 'must be one of "finney", "test" and "local", or the URL'),
        ("chain.netuid", "-1", "must be a whole number from 0 to 65535"),
        ("chain.netuid", "65536", "must be a whole number from 0 to 65535"),
        ("chain.genesis_hash", '"0x2f05"', 'must be a hash: "0x" and 64 hexadecimal digits'),
        ("network.public_address", '"polaris.example.org"', 'is "polaris.example.org"; must be an'),
        ("network.public_address", '"0.0.0.0"', "is 0.0.0.0, which is no machine's"),
        ("network.public_address", '"ff02::1"', "is ff02::1, which is no machine's"),
        ("network.listen_address", '"fe80::1%eth0"', 'is "fe80::1%eth0"; must be an IP address'),
        ("network.echo_services", '["https://a.example.org"]', "has one; must have none, or two"),
        ("heartbeat.interval_s", "4.9", "must be a number from 5 to 300"),
        ("commune.python", '"python3"', "must be an absolute path, or empty"),
        ("log.level", '"loud"', 'must be one of "debug", "info", "warning", "error", not "loud"'),
    ],
)
def test_refuses_and_says_why(path: str, value: str, message: str) -> None:
    told = problems_of(with_key(path, value))
    assert list(told) == [path]
    assert told[path].startswith(message)


@pytest.mark.parametrize(
    "uuid", ["0", "GPU-", UUID.upper(), UUID[4:], UUID + "0", UUID + "/1/0/2", f" {UUID}", "GPU-*"]
)
def test_a_withheld_gpu_is_named_by_its_whole_uuid(uuid: str) -> None:
    told = problems_of(f'[gpu]\nwithhold = ["{UUID}", "{uuid}"]')
    assert list(told) == ["gpu.withhold[1]"]
    assert "a UUID in small letters as `polarisctl gpus` prints it" in told["gpu.withhold[1]"]


@pytest.mark.parametrize(
    "validator",
    [
        "",
        HOTKEY,
        f"{HOTKEY}@",
        f"{HOTKEY}@203.0.113.9",
        f"{HOTKEY}@203.0.113.9:0",
        f"{HOTKEY}@203.0.113.9:65536",
        f"{HOTKEY}@validator.example.org:8000",
        f"{HOTKEY}@2001:db8::9:8000",
        f"{HOTKEY[:-1]}X@203.0.113.9:8000",
        "111111111111111111111111111111111HC1@203.0.113.9:8000",
    ],
)
def test_a_validator_is_a_hotkey_at_an_endpoint(validator: str) -> None:
    told = problems_of(f'[heartbeat]\nvalidators = ["{HOTKEY}@203.0.113.9:1", "{validator}"]')
    assert list(told) == ["heartbeat.validators[1]"]
    assert "must be HOTKEY@ADDRESS:PORT" in told["heartbeat.validators[1]"]


def test_a_network_needs_a_subnet() -> None:
    told = problems_of('[chain]\nnetwork = "test"')
    assert told == {"chain.netuid": "is 0; must name a subnet where network is set"}


def test_the_mode_bittensor_needs_a_chain() -> None:
    told = problems_of('[node]\nmode = "bittensor"')
    assert list(told) == ["chain.network", "chain.genesis_hash"]


def test_both_kinds_of_reading_may_be_equally_frequent() -> None:
    made = parse("[gpu]\nsample_interval_s = 5\ncondition_interval_s = 5\n").gpu
    assert made.sample_interval_s == made.condition_interval_s == 5.0


def test_tells_every_problem_of_a_file_at_once() -> None:
    told = problems_of(
        "[gpu]\nsample_intervall_s = 1\nhistory_s = 1\n"
        '[ports]\napi = "x"\n[nodes]\n[log]\nlevel = 3\n'
    )
    assert told == {
        "gpu.history_s": "must be a whole number from 60 to 3600, not 1",
        "gpu.sample_intervall_s": "is not a known key; did you mean sample_interval_s?",
        "ports.api": 'must be a whole number from 1 to 65535, not "x"',
        "log.level": 'must be one of "debug", "info", "warning", "error", not 3',
        "nodes": "is not a known key; did you mean node?",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[gpu]\nhistory_s = \n", "is not valid TOML: invalid value (at line 2"),
        ("[gpu]\nhistory_s = 60\nhistory_s = 61\n", "is not valid TOML: cannot overwrite a value"),
        ("a = " + "[" * 5000, "is not valid TOML: "),
        ("[gpu]\nhistory_s = 1" + "0" * 5000, ""),
        ("[gpu]\nhistory_s = 0x" + "f" * 5000, ""),
    ],
)
def test_a_text_that_is_not_usable_toml_is_refused(text: str, message: str) -> None:
    (told,) = problems_of(text).values()
    assert told.startswith(message)
    assert len(told) < 200


@given(st.text() | st.from_regex(r"\A(\[(gpu|ports)\]\n|(api|history_s) ?= ?[-0-9.\[\"']*\n){1,6}"))
def test_any_text_is_a_config_or_refused(text: str) -> None:
    try:
        made = parse(text)
    except CheckFailed as failed:
        made = None
        problems = failed.problems
    else:
        problems = ()
    assert (made is None) == bool(problems)


PORTS = st.builds(
    lambda first, count: sections.Ports(api=8000, ssh_first=first, ssh_last=first + count),
    st.integers(8001, 60000),
    st.integers(0, 255),
)
GPUS = st.builds(
    sections.Gpu,
    sample_interval_s=st.floats(0.1, 5),
    condition_interval_s=st.floats(5, 3600),
    call_deadline_s=st.floats(0.1, 60),
    history_s=st.integers(60, 3600),
    withhold=st.lists(st.sampled_from([UUID, f"MIG-{UUID[4:]}"]), max_size=3).map(tuple),
)
CONFIGS = st.builds(Config, ports=PORTS, gpu=GPUS)


@given(CONFIGS, CONFIGS)
def test_values_say_everything_and_changed_names_what_differs(old: Config, new: Config) -> None:
    assert check(Config, values(new)) == new
    paths = changed(old, new)
    assert (paths == ()) == (old == new)
    mixed = values(old)
    for path in paths:
        section, key = path.split(".")
        mixed[section][key] = values(new)[section][key]
    assert check(Config, mixed) == new


def test_changed_is_in_the_order_of_the_file() -> None:
    old = Config()
    new = replace(
        old, log=sections.Log(level="debug"), gpu=replace(old.gpu, withhold=(UUID,), history_s=60)
    )
    assert changed(old, new) == ("gpu.history_s", "gpu.withhold", "log.level")
