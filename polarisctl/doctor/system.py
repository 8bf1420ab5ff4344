"""The operating system under Polaris: values, parsers and judgements.  Pure.

Made by `gather.system`; the checks are declared in `table`.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisctl.doctor import limits
from polarisctl.doctor.finding import Finding, cannot_tell, failure, ok, unknown, warning
from polarisctl.doctor.versions import Version, find_version, older, show
from polarisd.api.reading import Reading, Unknown

TESTED = "Debian 12 or 13, Ubuntu 22.04 or 24.04"
# Oldest tested release, and the newest that was (a newer one is a warning only for
# distributions that are not listed at all: both keep their promises forward).
_OLDEST = {"debian": (12,), "ubuntu": (22, 4)}


@dataclass(frozen=True, slots=True)
class OsRelease:
    """The fields of os-release(5) that matter here; empty where the file has none."""

    id: str
    version_id: str
    pretty_name: str
    id_like: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class System:
    """`systemd_booted` is whether systemd is this machine's init now."""

    os_release: Reading[OsRelease | None]
    machine: str
    kernel: str
    python: tuple[int, int, int]
    libc: str
    systemd_booted: bool
    systemd_version: Reading[Version | None]


def parse_os_release(text: str) -> OsRelease:
    """Shell-like KEY=value lines, quoted or not, in any order; others are passed over."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, value = line.strip().partition("=")
        if separator and not key.startswith("#"):
            fields[key] = _unquote(value.strip())
    like = tuple(fields.get("ID_LIKE", "").lower().split())
    name = fields.get("PRETTY_NAME") or fields.get("NAME", "")
    return OsRelease(fields.get("ID", "").lower(), fields.get("VERSION_ID", ""), name, like)


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def operating_system(system: System) -> Finding:
    release = system.os_release
    if isinstance(release, Unknown):
        return cannot_tell("/etc/os-release", release, TESTED)
    if release is None:
        return unknown("there is no /etc/os-release", TESTED)
    name = release.pretty_name or release.id or "an unnamed system"
    oldest = _OLDEST.get(release.id)
    version = find_version(release.version_id)
    if oldest is None:
        return warning(
            f"{name}: not tested", TESTED, "It may well work; take the other checks' word."
        )
    if version is None:
        return warning(f"{name}: a release without a number, not tested", TESTED)
    if older(version, oldest):
        return warning(f"{name}: older than what is tested", TESTED, "Upgrade the system.")
    return ok(name)


def architecture(system: System) -> Finding:
    if system.machine in ("x86_64", "amd64"):
        return ok(system.machine)
    if system.machine in ("aarch64", "arm64"):
        return warning(f"{system.machine}: not tested", "x86_64")
    return failure(
        system.machine or "no name given", "x86_64", "Polaris has no build for this machine."
    )


def kernel(system: System) -> Finding:
    needed = f"Linux {show(limits.KERNEL_MIN)} or newer"
    version = find_version(system.kernel)
    if version is None:
        return unknown(f"cannot read a version in {system.kernel!r}", needed)
    if older(version, limits.KERNEL_MIN):
        return warning(f"Linux {system.kernel}", needed, "Upgrade the system, then reboot.")
    return ok(f"Linux {system.kernel}")


def python(system: System) -> Finding:
    lowest, highest = show(limits.PYTHON_MIN), show(limits.PYTHON_MAX)
    needed = f"Python {lowest} to {highest}"
    found = f"Python {show(system.python)}"
    if system.python[:2] < limits.PYTHON_MIN:
        return failure(found, needed, f"Upgrade to a system whose python3 is {lowest} or newer.")
    if system.python[:2] > limits.PYTHON_MAX:
        return warning(f"{found}: newer than what is tested", needed, "Look for a newer Polaris.")
    return ok(found)


def glibc(system: System) -> Finding:
    needed = f"glibc {show(limits.GLIBC_MIN)} or newer"
    advice = "Upgrade to a newer release of the system."
    if not system.libc:
        return failure("the C library is not glibc", needed, f"Use {TESTED}.")
    version = find_version(system.libc)
    if version is None:
        return unknown(f"cannot read a version in {system.libc!r}", needed)
    if older(version, limits.GLIBC_MIN):
        return failure(f"glibc {system.libc}", needed, advice)
    return ok(f"glibc {system.libc}")


def systemd(system: System) -> Finding:
    needed = f"systemd {limits.SYSTEMD_MIN} or newer as init"
    if not system.systemd_booted:
        return failure(
            "systemd is not running this machine (is this a container?)",
            needed,
            "Run Polaris on the host itself, booted with systemd.",
        )
    version = system.systemd_version
    if isinstance(version, Unknown):
        return cannot_tell("the version of systemd", version, needed)
    if version is None:
        return unknown("systemctl is not there or prints no version", needed)
    found = f"systemd {show(version)}"
    if version[0] < limits.SYSTEMD_MIN:
        return failure(found, needed, "Upgrade to a newer release of the system.")
    return ok(found)
