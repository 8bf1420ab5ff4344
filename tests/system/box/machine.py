"""One booted box: run commands in it, install packages, ask its systemd and its journal."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TypeVar

from tests.system.box.tunnel import Tunnel, in_network_of
from tests.system.box.wait import wait_for

BOOT_SCRIPT = Path(__file__).with_name("boot.sh")
BOOT_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "DEBIAN_FRONTEND": "noninteractive",
    "SYSTEMD_PAGER": "",
    "SYSTEMD_COLORS": "0",
}

Done = subprocess.CompletedProcess[str]

T = TypeVar("T")


class Box:
    """A container that systemd booted from a base image; what it writes is gone when it stops."""

    def __init__(self, name: str, image: Path, console: Path) -> None:
        self.name = name
        self._console = console
        with console.open("wb") as log:
            self._host_process = self._spawn(image, log)
        try:
            self._leader = wait_for("the box's PID 1", self._find_leader, BOOT_TIMEOUT_S)
            wait_for("the box's systemd", self._has_systemd, BOOT_TIMEOUT_S)
            self.run("systemctl", "is-system-running", "--wait", check=False)
        except BaseException:
            self.stop()
            raise

    def _spawn(self, image: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
        boot = ["sh", str(BOOT_SCRIPT), str(image), self.name]
        # --pdeathsig: a box does not outlive the tests, however they end
        apart = ["setpriv", "--pdeathsig", "TERM", "unshare", "--mount", "--propagation", "private"]
        return subprocess.Popen(
            [*apart, *boot],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def _find_leader(self) -> int | None:
        """PID 1 of the box as the host counts: nspawn's child."""
        if self._host_process.poll() is not None:
            raise RuntimeError(f"cannot boot {self.name}: {self._console.read_text()}")
        nspawn = _children(self._host_process.pid, "systemd-nspawn")
        leaders = _children(nspawn[0], "systemd") if nspawn else []
        return leaders[0] if leaders else None

    def _has_systemd(self) -> bool:
        return (self.root / "run/systemd/private").exists()

    @property
    def root(self) -> Path:
        """The box's root directory, as seen from the host."""
        return Path(f"/proc/{self._leader}/root")

    def _enter(self, *namespaces: str) -> list[str]:
        flags = [f"--{name}" for name in ("mount", "uts", "ipc", "pid", "cgroup", *namespaces)]
        return ["nsenter", "--target", str(self._leader), *flags, "--root", "--wd", "--"]

    def spawn(self, *argv: str) -> subprocess.Popen[bytes]:
        """Start a command in the box, as root, and don't wait for it."""
        nowhere = subprocess.DEVNULL
        return subprocess.Popen(
            [*self._enter("net"), *argv],
            env=ENVIRONMENT,
            stdin=nowhere,
            stdout=nowhere,
            stderr=nowhere,
        )

    def run(
        self, *argv: str, check: bool = True, user: str = "root", timeout_s: float = 60
    ) -> Done:
        """Run a command in the box; with `check`, a failure is the test's."""
        as_user = () if user == "root" else ("runuser", "--user", user, "--")
        return self._run([*self._enter("net"), *as_user, *argv], check, timeout_s)

    def apt(self, *argv: str, check: bool = True) -> Done:
        """apt-get in the box's files and under its PID 1, but with the host's network."""
        # what the package recommends is in the image: installing it each time would take longest
        options = ["--yes", "--no-install-recommends"]
        options += ["-o", "Dpkg::Use-Pty=0", "-o", "APT::Sandbox::User=root"]
        return self._run([*self._enter(), "apt-get", *options, *argv], check, timeout_s=300)

    def install(self, deb: Path, *options: str) -> Done:
        """What a user does with a package that they downloaded."""
        shutil.copy(deb, self.root / "var/tmp")
        return self.apt("install", *options, f"/var/tmp/{deb.name}")

    def _run(self, argv: Sequence[str], check: bool, timeout_s: float) -> Done:
        done = subprocess.run(
            argv,
            check=False,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        if check and done.returncode:
            command = " ".join(argv[argv.index("--") + 1 :])
            raise AssertionError(
                f"{self.name}: `{command}` ended with {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def tunnel(self, host_port: int, port: int = 0) -> Tunnel:
        """Make a port of ours one of the box's own loopback: 127.0.0.1:`port`, or any free one."""
        return Tunnel(self._leader, port, host_port)

    def in_network(self, make: Callable[[], T]) -> T:
        """Call `make` in the box's network, for a socket that stays in it."""
        return in_network_of(self._leader, make)

    def write(self, path: str, text: str) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def read(self, path: str) -> str:
        return (self.root / path.lstrip("/")).read_text()

    def exists(self, path: str) -> bool:
        return (self.root / path.lstrip("/")).exists()

    def show(self, unit: str, name: str) -> str:
        """One property of a unit, as systemd has it now."""
        return self.run("systemctl", "show", "--property", name, "--value", unit).stdout.strip()

    def cursor(self) -> str:
        """The journal's end, to read on from with `journal`."""
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--lines=0", "--show-cursor").stdout.split()[-1]

    def journal(self, after: str, *matches: str) -> list[dict[str, str]]:
        """The entries that came after a cursor and match."""
        self.run("journalctl", "--sync")
        output = self.run("journalctl", "--output=json", "--after-cursor", after, *matches).stdout
        return [json.loads(line) for line in output.splitlines()]

    def stop(self) -> None:
        """Shut down in order; what does not end in time is killed."""
        self._host_process.terminate()
        try:
            self._host_process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._host_process.pid, signal.SIGKILL)
            self._host_process.wait()


def _children(pid: int, command: str) -> list[int]:
    """The children of a process whose command is `command`."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed if _command(int(child)) == command]


def _command(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
