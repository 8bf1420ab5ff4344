"""Build dist/polaris-gpu_VERSION_amd64.deb from the lock that `polarisctl gpu-setup` uses.

    build_gpu_deb.py [--python 3.11]... [--index-url URL] [--lock FILE] [--cache DIR] [--out DIR]

For hosts without a network.  A stack takes 1.3 GB for each Python: this makes a package for
Debian 12's own unless told otherwise.  Wheels stay in the cache, checked by hash, so a second
build needs no network; the same lock gives the same package, bit for bit.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from polarisctl.gpu_stack import listing
from polarisctl.gpu_stack import lock as locks
from polarisctl.gpu_stack import plan as planning
from polarisctl.gpu_stack.fetch import Waits
from polarisctl.gpu_stack.lock import Lock
from polarisctl.gpu_stack.meter import Meter
from polarisctl.gpu_stack.plan import Plan
from polarisctl.gpu_stack.setting_up import unpack_all
from polarisctl.gpu_stack.web import Web
from polarisctl.gpu_stack.wheels import acquire, from_index
from polarisd.api.errors import ControlError
from polarisd.bench.stack import MANIFEST, PACKAGE

REPOSITORY = Path(__file__).resolve().parents[1]
PARTS = REPOSITORY / "packaging/debian-gpu"
CHANGELOG = REPOSITORY / "packaging/debian/changelog"
DEBIAN_12 = "3.11"
# Made five times as fast as by xz -1, smaller, and installed faster.  Debian 12 and newer read it;
# only Debian's own archive does not take it.
COMPRESSION = ("-Zzstd", "-z10")


@dataclass(frozen=True)
class Changelog:
    version: str
    timestamp: str


def read_changelog() -> Changelog:
    def field(name: str) -> str:
        command = ["dpkg-parsechangelog", "--file", str(CHANGELOG), "--show-field", name]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    return Changelog(field("Version"), field("Timestamp"))


def plans_for(lock: Lock, pythons: list[str]) -> list[Plan]:
    tags = ["cp" + python.replace(".", "") for python in pythons]
    return [planning.make(lock, tag, machine="x86_64", libc="2.34") for tag in tags]


def lay_out(plans: list[Plan], tree: Path, cache: Path, index_url: str) -> None:
    """Each stack in its place; wheels that several share are fetched once."""
    bring = from_index(index_url, Web(), Waits())
    for plan in plans:
        fetched = Meter("downloading", plan.download_bytes, sys.stderr, os.environ)
        archives = acquire(plan, cache, bring, fetched)
        target = tree / PACKAGE.path.lstrip("/") / plan.tag
        target.mkdir(parents=True)
        unpacked = Meter("unpacking", plan.unpacked_bytes, sys.stderr, os.environ)
        unpack_all(plan, archives, target, unpacked)
        listing.write(target)
        (target / MANIFEST).write_text(planning.manifest(plan))


def document(tree: Path) -> None:
    place = tree / "usr/share/doc/polaris-gpu"
    place.mkdir(parents=True)
    shutil.copyfile(PARTS / "copyright", place / "copyright")
    packed = gzip.compress(CHANGELOG.read_bytes(), 9, mtime=0)
    (place / "changelog.gz").write_bytes(packed)


def control(tree: Path, plans: list[Plan], pythons: list[str], version: str) -> None:
    """DEBIAN/, last: it says how large the rest is, and has a checksum of each file."""
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    sums = [f"{_md5(path)}  {path.relative_to(tree)}\n" for path in files]
    order = sorted(pythons, key=_number)
    major, minor = _number(order[-1])
    fields = {
        "VERSION": version,
        "INSTALLED_KB": str(sum(path.stat().st_size for path in files) // 1024),
        "PYTHON_MIN": order[0],
        "PYTHON_AFTER": f"{major}.{minor + 1}",
        "PYTHONS": " and ".join(order),
        "WHEELS": ",\n ".join(f"{name} {v}" for name, v in plans[-1].versions.items()),
    }
    text = (PARTS / "control.in").read_text()
    for name, value in fields.items():
        text = text.replace(f"@{name}@", value)
    place = tree / "DEBIAN"
    place.mkdir()
    (place / "control").write_text(text)
    (place / "md5sums").write_text("".join(sums))
    for name in ("postinst", "prerm"):
        shutil.copyfile(PARTS / name, place / name)
        (place / name).chmod(0o755)


def _number(python: str) -> tuple[int, int]:
    major, minor = python.split(".")
    return int(major), int(minor)


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        hashed = hashlib.md5(usedforsecurity=False)
        while data := file.read(1 << 20):
            hashed.update(data)
    return hashed.hexdigest()


def build(options: argparse.Namespace) -> Path:
    changelog = read_changelog()
    lock = locks.load(options.lock)
    pythons: list[str] = options.python or [DEBIAN_12]
    plans = plans_for(lock, pythons)
    options.cache.mkdir(parents=True, exist_ok=True)
    options.out.mkdir(parents=True, exist_ok=True)
    package: Path = options.out / f"polaris-gpu_{changelog.version}_amd64.deb"
    os.umask(0o022)
    # Beside the result: /tmp may be memory, and this takes gigabytes.
    with tempfile.TemporaryDirectory(dir=options.out, prefix=".gpu-deb-") as scratch:
        tree = Path(scratch) / "tree"
        tree.mkdir(mode=0o755)
        lay_out(plans, tree, options.cache, options.index_url or lock.index_url)
        document(tree)
        control(tree, plans, pythons, changelog.version)
        command = ["dpkg-deb", "--root-owner-group", *COMPRESSION, "--build"]
        environ = {**os.environ, "SOURCE_DATE_EPOCH": changelog.timestamp}
        subprocess.run(
            [*command, tree, package], check=True, env=environ, stdout=subprocess.DEVNULL
        )
    return package


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the package polaris-gpu.")
    parser.add_argument(
        "--python",
        action="append",
        metavar="3.N",
        help=f"a Python to bring a stack for; may be repeated (default {DEBIAN_12})",
    )
    parser.add_argument(
        "--index-url",
        metavar="URL",
        default=os.environ.get("POLARIS_INDEX_URL"),
        help="the package index (default $POLARIS_INDEX_URL, or else the lock's)",
    )
    parser.add_argument(
        "--lock",
        metavar="FILE",
        type=Path,
        default=locks.PATH,
        help="which wheels (default %(default)s)",
    )
    parser.add_argument(
        "--cache",
        metavar="DIR",
        type=Path,
        default=REPOSITORY / ".cache/gpu-wheels",
        help="where wheels stay for the next build (default %(default)s)",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=REPOSITORY / "dist",
        help="where the package is put together, and stays (default %(default)s)",
    )
    options = parser.parse_args(argv)
    try:
        package = build(options)
    except ControlError as error:
        print(f"build_gpu_deb: {error.message}\n  {error.hint}", file=sys.stderr)
        return 1
    print(f"build_gpu_deb: {package}, {package.stat().st_size / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
