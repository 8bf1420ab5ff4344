"""The doctor's parsers: what real systems print, and that nothing else breaks them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisctl.doctor.accounts import Account, parse_groups, parse_users
from polarisctl.doctor.cdi import KIND, parse_cdi
from polarisctl.doctor.clock import parse_timedatectl
from polarisctl.doctor.config import read_checked
from polarisctl.doctor.driver import (
    parse_driver_version,
    parse_gpu_information,
    parse_modules,
    show_driver,
)
from polarisctl.doctor.engine import DockerServer, read_docker_info
from polarisctl.doctor.files import READ, SEARCH, WRITE, Entry, may
from polarisctl.doctor.gpus import normal_bus_id
from polarisctl.doctor.hardware import parse_cpuinfo, parse_meminfo
from polarisctl.doctor.limits import GIB, nominal_bytes
from polarisctl.doctor.network import parse_listeners, parse_ufw, parse_unit
from polarisctl.doctor.nvml import Nvml, read_nvml
from polarisctl.doctor.system import parse_os_release
from polarisctl.doctor.unit import parse_properties
from polarisctl.doctor.versions import find_version, older, show
from polarisd.api.reading import Unknown

TEXT = st.text(max_size=300)
NUMBERS = st.lists(st.integers(0, 999_999), min_size=2, max_size=4).map(tuple)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(TEXT)
def test_no_text_breaks_a_parser(text: str) -> None:
    parse_os_release(text)
    parse_driver_version(text)
    parse_modules(text)
    parse_gpu_information("0000:01:00.0", text)
    parse_cdi("/x", text)
    parse_cpuinfo(text)
    parse_meminfo(text)
    parse_timedatectl(text)
    parse_listeners(text)
    parse_unit(text)
    parse_ufw(text)
    parse_properties(text)
    parse_users(text, parse_groups(text))
    normal_bus_id(text)
    find_version(text)


@given(JSON, JSON, TEXT)
def test_no_map_breaks_a_reader(one: object, other: object, text: str) -> None:
    read_nvml("polarisd", one, other)
    read_nvml("polarisd", {"driver_version": one}, [{"identity": other, "uuid": one}])
    read_docker_info(one, text)
    read_docker_info({"ServerVersion": "1.0", "Runtimes": one, "CDISpecDirs": other}, text)
    read_checked(one)
    read_checked({"problems": [one], "values": other})
    parse_cdi("/x", json.dumps({"kind": KIND, "devices": one}))


@pytest.mark.parametrize(
    ("text", "after", "version"),
    [
        ("Docker version 20.10.24+dfsg1, build 297e128", "version", (20, 10, 24)),
        ("Docker version 28.2.2, build e6534b4", "version", (28, 2, 2)),
        ("podman version 5.4.0-dev", "version", (5, 4, 0)),
        ("NVIDIA Container Toolkit CLI version 1.18.0-rc.2\ncommit: 1", "version", (1, 18, 0)),
        ("systemd 257 (257.6-1)\n+PAM", "systemd ", (257,)),
        ("6.8.0-45-generic", "", (6, 8, 0)),
        ("24.04", "", (24, 4)),
        ("v2.1", "", (2, 1)),
        ("nothing", "", None),
        ("version none", "version", None),
        ("1.2", "version", None),
    ],
)
def test_versions_as_they_are_printed(
    text: str, after: str, version: tuple[int, ...] | None
) -> None:
    assert find_version(text, after) == version


@given(NUMBERS)
def test_a_version_is_found_again(version: tuple[int, ...]) -> None:
    assert find_version(f"tool version {show(version)}, build x9", "version") == version


@given(NUMBERS, NUMBERS)
def test_versions_are_ordered(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    assert older(one, (*one, 1))
    assert not older(one, (*one, 0))
    assert not (older(one, other) and older(other, one))


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54.03  Tue Jun  6 22:20:39 2023",
            "535.54.03",
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.133.20  Release Build",
            "570.133.20",
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  580.65.06  Release Build",
            "580.65.06",
        ),
    ],
)
def test_driver_versions(line: str, shown: str) -> None:
    version = parse_driver_version(f"{line}\nGCC version:  gcc version 12.2.0 (Debian)\n")
    assert version is not None
    assert show_driver(version) == shown


def test_a_gpu_that_nobody_opened_has_no_uuid_yet() -> None:
    text = "Model: \t\t Unknown\nGPU UUID: \t GPU-????????-????-????-????-????????????\n"
    assert parse_gpu_information("0000:01:00.0", text).uuid == ""


@given(st.sampled_from(["plain", '"quoted"', "'single'", '"']), st.booleans())
def test_os_release_quotes(value: str, like: bool) -> None:
    text = f"# comment\nNAME=X\nID={value}\n" + ("ID_LIKE='debian ubuntu'\n" if like else "")
    release = parse_os_release(text)
    assert release.id == (value.strip("\"'") or '"')
    assert release.id_like == (("debian", "ubuntu") if like else ())
    assert release.pretty_name == "X"


NAMES = st.sets(st.text("abcdefGPU-0123456789:", min_size=1, max_size=12), max_size=6)


@given(NAMES, st.sampled_from(['"', "'"]), st.sampled_from(["", "  ", "    "]))
def test_cdi_names_in_every_layout_that_nvidia_ctk_writes(
    names: set[str], quote: str, indent: str
) -> None:
    lines = ["---", "cdiVersion: 0.5.0", "containerEdits:", "  env:", "  - name: not-a-device"]
    lines.append("devices:")
    for number, name in enumerate(sorted(names)):
        if number % 2:
            lines += [f"{indent}- containerEdits:", f"{indent}    deviceNodes:"]
            lines += [f"{indent}    - path: /dev/nvidia0", f"{indent}  name: {quote}{name}{quote}"]
        else:
            lines += [f"{indent}- name: {quote}{name}{quote}", f"{indent}  containerEdits: {{}}"]
    lines += [f"kind: {KIND}", "annotations:", "  name: not-a-device-either", ""]
    spec = parse_cdi("/etc/cdi/x.yaml", "\n".join(lines))
    assert spec is not None
    assert spec.devices == names
    devices = [{"name": name} for name in names]
    in_json = parse_cdi("/etc/cdi/x.json", json.dumps({"kind": KIND, "devices": devices}))
    assert in_json is not None
    assert in_json.devices == names


def test_cdi_of_another_kind_is_none_and_libraries_tell_the_driver() -> None:
    assert parse_cdi("/x", "kind: nvidia.com/gpus\ndevices:\n- name: a\n") is None
    assert parse_cdi("/x", '{"kind": "other"}') is None
    text = f'kind: "{KIND}"\ncontainerEdits:\n  mounts:\n  - hostPath: /lib/libcuda.so.535.54.03\n'
    spec = parse_cdi("/x", text + "  - hostPath: /lib/libcuda.so.1\n")
    assert spec is not None
    assert spec.driver_versions == {"535.54.03"}


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFF))
def test_bus_ids_of_kernel_and_nvml_meet(domain: int, bus: int) -> None:
    kernel, nvml = f"{domain:04x}:{bus:02x}:00.0", f"{domain:08X}:{bus:02X}:00.0"
    assert normal_bus_id(kernel) == normal_bus_id(nvml) == kernel


@given(st.integers(1, 65535), st.integers(1, 1 << 40), st.sampled_from(["0A", "01"]))
def test_listeners(port: int, inode: int, state: str) -> None:
    row = f" 0: 00000000000000000000000000000000:{port:04X} 0:0 {state} 0:0 00:0 0 0 0 {inode} 1 x"
    found = parse_listeners(f"header\n{row}\n")
    assert found == ({port: (inode,)} if state == "0A" else {})


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("0::/system.slice/polarisd.service\n", "polarisd.service"),
        ("0::/system.slice/system-x.slice/polaris-lease@7.service/c\n", "polaris-lease@7.service"),
        ("12:pids:/user.slice\n0::/user.slice/session-3.scope\n", "session-3.scope"),
        ("0::/\n", ""),
    ],
)
def test_units(text: str, unit: str) -> None:
    assert parse_unit(text) == unit


@given(st.integers(1, 2048))
def test_nominal_sizes_take_the_real_part_and_not_the_next_smaller(gigabytes: int) -> None:
    least = nominal_bytes(gigabytes)
    assert least <= gigabytes * 10**9
    assert least > gigabytes * GIB * 3 // 4
    assert least <= gigabytes * GIB


def test_a_reading_of_the_wrong_type_is_unknown() -> None:
    driver = {"state": "ok", "driver_version": 550}
    gpu = {"identity": {"vram_bytes": True}, "condition": {"persistence_mode": 1}}
    found = read_nvml("polarisd", driver, [gpu])
    assert isinstance(found, Nvml)
    assert isinstance(found.driver_version, Unknown)
    assert isinstance(found.gpus[0].vram_bytes, Unknown)
    assert isinstance(found.gpus[0].persistence_mode, Unknown)


def test_docker_of_which_cdi_is_off() -> None:
    server = read_docker_info({"ServerVersion": "27.0.1", "CDISpecDirs": None}, "")
    assert isinstance(server, DockerServer)
    assert server.cdi_directories == ()


@given(st.integers(0, 0o777), st.sampled_from([READ, WRITE, SEARCH]))
def test_permissions_are_those_of_the_first_class_that_fits(mode: int, want: int) -> None:
    entry = Entry("/x", mode, 10, 20)
    owner = Account("a", 10, frozenset({20}), "/")
    member = Account("b", 11, frozenset({20}), "/")
    other = Account("c", 11, frozenset({21}), "/")
    assert may(owner, entry, want) == bool(mode >> 6 & want)
    assert may(member, entry, want) == bool(mode >> 3 & want)
    assert may(other, entry, want) == bool(mode & want)
    assert may(Account("root", 0, frozenset(), "/"), entry, want)
