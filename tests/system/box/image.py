"""Base images: a small Debian of each suite, made once and kept outside the repository."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

CACHE = Path(os.environ.get("POLARIS_BOX_CACHE", "/var/cache/polaris-box"))

PACKAGES = (
    "systemd,systemd-sysv,dbus,udev,init-system-helpers,ca-certificates,procps,netbase,kmod,"
    # python3-numpy: the package recommends it
    "python3,python3-numpy"
)

# What a container has no use for, or what would run at a moment of its own choosing.
MASKED = (
    "apt-daily-upgrade.timer apt-daily.timer console-getty.service dpkg-db-backup.timer "
    "e2scrub_reap.service fstrim.timer getty.target systemd-firstboot.service "
    "systemd-udev-trigger.service systemd-udevd-control.socket systemd-udevd-kernel.socket "
    "systemd-udevd.service"
)

JOURNAL = "[Journal]\\nStorage=persistent\\nRateLimitBurst=0\\n"

# Each runs on the host, with the image's root as $1.  Package lists stay (`--skip`), so that apt
# resolves dependencies in a box without an update; dpkg is to install documentation as usual.
RECIPE = (
    "--variant=minbase",
    f"--include={PACKAGES}",
    "--skip=cleanup/apt/lists",
    '--customize-hook=: > "$1"/etc/machine-id',
    '--customize-hook=mkdir -p "$1"/etc/systemd/journald.conf.d',
    f"--customize-hook=printf '{JOURNAL}' > \"$1\"/etc/systemd/journald.conf.d/box.conf",
    f'--customize-hook=chroot "$1" systemctl --quiet mask {MASKED}',
)


def base_image(suite: str) -> Path:
    """The root directory of `suite`'s image, built now if there is none yet (about a minute)."""
    recipe = hashlib.sha256(repr(RECIPE).encode()).hexdigest()[:12]
    image = CACHE / f"{suite}-{recipe}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not image.exists():
            _build(suite, image)
    return image


def _build(suite: str, image: Path) -> None:
    partial = image.with_name(image.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = ["mmdebstrap", "--quiet", "--mode=root", *RECIPE, *_host_apt_options()]
    subprocess.run([*command, suite, str(partial), _mirror()], check=True)
    partial.rename(image)


def _mirror() -> str:
    """The Debian archive that this host is configured with."""
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(CODENAME)", "Created-By: Packages"],
        check=True,
        capture_output=True,
        text=True,
    )
    for line in targets.stdout.splitlines():
        site, _, codename = line.partition(" ")
        if "security" not in site + codename:
            return site
    raise RuntimeError("cannot make a base image: apt knows no Debian archive; try apt-get update")


def _host_apt_options() -> list[str]:
    """This host's way to the archive, where apt needs more than the archive's address."""
    ways = ["Acquire::http", "Acquire::https", "Acquire::Check-Valid-Until", "Acquire::Check-Date"]
    dump = ["apt-config", "dump", "--no-empty", *ways]
    settings = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    return [f"--aptopt={line}" for line in settings.splitlines()]
