"""gpu-setup on an installed system, and the package polaris-gpu, with wheels of a few kilobytes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.wheel_index import Fault, IndexServer
from tests.system import debs, wheels, worker
from tests.system.box import Box, wait_for
from tests.system.box.machine import Done
from tests.unit.gpu_stack_support import serving

OWN = "/var/lib/polaris-gpu"
ASK_CUPY: dict[str, object] = {"job": "check", "backend": "cupy"}


def gpu_setup(box: Box, *words: str, user: str = "root") -> Done:
    return box.run("polarisctl", "gpu-setup", *words, check=False, user=user)


def test_from_an_index_to_a_worker_that_loads_it(box: Box, deb: Path, tmp_path: Path) -> None:
    box.install(deb)
    tag = wheels.tag_of(box)
    made = wheels.make(tmp_path, tag)
    cublas = made[1].name
    box.write(wheels.LOCK, wheels.lock_text(tag, made))
    faults = {cublas: [Fault(drop_after=900, stall=True), Fault(drop_after=100)]}
    index = wheels.Index(box, made, faults)

    # nobody but root, and nobody without having been asked
    assert gpu_setup(box, "--yes", "--index-url", index.url, user="polaris").returncode == 4
    assert gpu_setup(box, "--index-url", index.url).returncode == 2
    # the index that the lock names is not reachable from here
    assert "HTTPS_PROXY" in gpu_setup(box, "--yes").stderr

    interrupt(box, index, f"{OWN}/downloads/{cublas}.part", 900)
    done = gpu_setup(box, "--yes", "--index-url", index.url)
    assert done.returncode == 0, done.stderr
    assert "could not be tried out" in done.stdout
    # it went on where it was interrupted, and again after a connection that dropped
    assert [line.split()[1] for line in index.seen() if cublas in line] == [
        "-",
        "bytes=900-",
        "bytes=1000-",
    ]
    found = box.run(
        "find", OWN, "-not", "-user", "root", "-o", "-perm", "/022", "-not", "-type", "l"
    )
    assert found.stdout == ""
    assert gpu_setup(box, "--yes").stdout.startswith("the GPU stack is there")
    assert gpu_setup(box, "--check", user="polaris").returncode == 0
    index.stop()

    # the worker that systemd starts has it too
    box.run("systemctl", "start", "polarisd")
    (failed,) = worker.frames(worker.ask(box, ASK_CUPY))
    assert failed["code"] == "no_gpu", failed
    # a machine without a GPU has no use for it, but it is in order
    doctor = box.run("polarisctl", "doctor", "--only", "gpu-stack,worker-socket", "--json")
    assert [c["verdict"] for c in json.loads(doctor.stdout)["checks"]] == ["ok", "ok"]

    assert gpu_setup(box, "--remove", "--yes").returncode == 0
    assert not box.exists(OWN)
    (failed,) = worker.frames(worker.ask(box, ASK_CUPY))
    assert failed["code"] == "no_stack", failed


def interrupt(box: Box, index: wheels.Index, part: str, size: int) -> None:
    """Ctrl-C once so much has come."""
    words = ["polarisctl", "gpu-setup", "--yes", "--index-url", index.url]
    box.run("systemd-run", "--unit=setting-up", "--property=RemainAfterExit=yes", *words)
    place = box.root / part.lstrip("/")
    wait_for("the part", lambda: place.exists() and place.stat().st_size == size)
    box.run("systemctl", "kill", "--signal=INT", "setting-up")
    wait_for("its end", lambda: box.show("setting-up", "ExecMainStatus") == "130")
    assert place.stat().st_size == size
    box.run("systemctl", "reset-failed", "setting-up", check=False)


def test_a_changed_wheel_is_refused_and_a_purge_takes_it_all(
    box: Box, deb: Path, tmp_path: Path
) -> None:
    box.install(deb)
    tag = wheels.tag_of(box)
    made = wheels.make(tmp_path, tag)
    box.write(wheels.LOCK, wheels.lock_text(tag, made))
    index = wheels.Index(box, made, {made[0].name: [Fault(spoil=True)] * 2})
    done = gpu_setup(box, "--yes", "--index-url", index.url)
    assert done.returncode == 1
    assert "SHA-256" in done.stderr
    assert not box.exists(f"{OWN}/{tag}")
    assert gpu_setup(box, "--yes", "--index-url", index.url).returncode == 0
    assert box.exists(f"{OWN}/{tag}/stack.json")
    box.run("systemctl", "start", "polarisd")
    worker.ask(box, {"job": "check", "backend": "numpy"})
    assert box.exists("/var/cache/polaris-worker")
    box.apt("purge", "polaris")
    for path in (OWN, "/var/cache/polaris-worker", worker.PATH, "/usr/lib/polaris"):
        assert not box.exists(path), path


@pytest.fixture(scope="session")
def gpu_deb(suite: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """polaris-gpu for this suite's Python, of small wheels."""
    python = {"bookworm": "3.11", "trixie": "3.13"}[suite]
    tag = "cp" + python.replace(".", "")
    place = tmp_path_factory.mktemp("gpu-deb")
    made = wheels.make(place / "index", tag)
    lock = place / "lock.json"
    lock.write_text(wheels.lock_text(tag, made))
    with serving(IndexServer(place / "index")) as server:
        for out in ("first", "second"):
            command = [sys.executable, str(debs.REPOSITORY / "packaging/build_gpu_deb.py")]
            command += ["--python", python, "--lock", str(lock), "--cache", str(place / "cache")]
            command += ["--out", str(place / out), "--index-url", server.url]
            subprocess.run(command, check=True, capture_output=True)
        assert len(server.seen) == 4  # the second time nothing was fetched
    (package,) = (place / "first").glob("*.deb")
    assert package.read_bytes() == (place / "second" / package.name).read_bytes()
    return package


def test_lintian_finds_neither_errors_nor_warnings_in_it(gpu_deb: Path) -> None:
    if shutil.which("lintian") is None:
        assert "CI" not in os.environ, "packaging/setup-host deb installs lintian"
        pytest.skip("lintian is not installed")
    # zstd, which Debian reads but does not take into its archive, is malformed to lintian
    command = ["lintian", "--allow-root", "--suppress-tags", "malformed-deb-archive"]
    command += ["--fail-on", "error,warning", str(gpu_deb)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_package_of_the_same(box: Box, deb: Path, gpu_deb: Path) -> None:
    box.install(deb)
    box.install(gpu_deb)
    assert box.run("dpkg", "--verify", "polaris-gpu").stdout == ""
    assert "nothing was to be done" in gpu_setup(box).stdout
    tag = wheels.tag_of(box)
    assert box.exists(f"/usr/lib/polaris/gpu/{tag}/cupy/__pycache__")
    box.run("systemctl", "start", "polarisd")
    (failed,) = worker.frames(worker.ask(box, ASK_CUPY))
    assert failed["code"] == "no_gpu", failed
    wait_for("the worker's end", lambda: not worker.running(box))
    # what it needs and what it is: not installable for another Python, gone without a trace
    fields = box.run("dpkg-query", "--show", "--showformat", "${Depends}", "polaris-gpu").stdout
    assert f"polaris (>= {debs.version()})" in fields
    assert "python3 (<< 3." in fields
    box.apt("purge", "polaris-gpu")
    assert not box.exists("/usr/lib/polaris/gpu")
