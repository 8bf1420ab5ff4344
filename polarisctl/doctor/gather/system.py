"""Read what `polarisctl.doctor.system` judges: release file, platform, init."""

from __future__ import annotations

from polarisctl.doctor.edge import Edge
from polarisctl.doctor.system import OsRelease, System, parse_os_release
from polarisctl.doctor.versions import Version, find_version
from polarisd.api.reading import Reading, Unknown


def gather_system(edge: Edge) -> System:
    return System(
        os_release=_os_release(edge),
        machine=edge.machine,
        kernel=edge.kernel,
        python=edge.python,
        libc=edge.libc,
        # The test that sd_booted(3) documents.
        systemd_booted=edge.at("/run/systemd/system").is_dir(),
        systemd_version=_systemd_version(edge),
    )


def _os_release(edge: Edge) -> Reading[OsRelease | None]:
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        text = edge.read_text(path)
        if text is not None:
            return text if isinstance(text, Unknown) else parse_os_release(text)
    return None


def _systemd_version(edge: Edge) -> Reading[Version | None]:
    ran = edge.run("systemctl", "--version")
    if ran is None or isinstance(ran, Unknown):
        return ran
    return find_version(ran.stdout, after="systemd ")
