"""`make run`: this tree's daemon for as long as somebody looks at it.

It runs in independent mode (no network), with socket, state and log in a directory of its own,
which goes when it ends.  It shows the status and, on a terminal, at Enter `polarisctl monitor`
until you leave that; other terminals can use the socket meanwhile.  Then it stops the daemon,
also on Ctrl-C.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

PROGRAMS = Path(sys.executable).parent

SOCKET = "polarisd.sock"
READY_TIMEOUT_S = 30
STOP_TIMEOUT_S = 20

KEEPING = "there is no terminal, so it stops at once; docs/development.md says how to keep one"
MONITOR = "press Enter for the monitor; q in it, or Ctrl-C, stops polarisd"

# polarisctl's exit status when all works but the machine is not fit to be offered
UNHEALTHY = 5


def write_config(place: Path) -> Path:
    state = place / "state"
    state.mkdir()
    config = place / "polaris.toml"
    config.write_text(
        f'[node]\nmode = "independent"\n\n'
        f'[control]\nsocket_path = "{place / SOCKET}"\n\n'
        f'[state]\ndirectory = "{state}"\n'
    )
    return config


def wait_until_ready(daemon: subprocess.Popen[bytes], listener: socket.socket, log: Path) -> None:
    """Error handling: raises SystemExit, with the daemon's own words, when it ends instead."""
    listener.settimeout(0.2)
    for _ in range(round(READY_TIMEOUT_S / 0.2)):
        try:
            if b"READY=1" in listener.recv(4096):
                return
        except TimeoutError:
            if daemon.poll() is not None:
                break
    raise SystemExit(f"{log.read_text()}make run: polarisd did not start; above is its log")


@contextmanager
def running_daemon(place: Path) -> Iterator[None]:
    notify, log = place / "notify.sock", place / "polarisd.log"
    command = [str(PROGRAMS / "polarisd"), "--config", str(write_config(place))]
    with log.open("wb") as output, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        # it says that it is ready here, as it would to systemd
        listener.bind(str(notify))
        daemon = subprocess.Popen(
            # --pdeathsig: it ends with us, however we end
            ["setpriv", "--pdeathsig", "TERM", *command],
            env={**os.environ, "NOTIFY_SOCKET": str(notify)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # a Ctrl-C is for us, and we stop it in order
            start_new_session=True,
        )
        try:
            wait_until_ready(daemon, listener, log)
            yield
        finally:
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def using(place: Path) -> str:
    """For those who want more than the monitor."""
    return (
        f"in another terminal, while it runs:\n"
        f"  export POLARIS_SOCKET={place / SOCKET}\n"
        f"  {PROGRAMS / 'polarisctl'} --help"
    )


def client(place: Path, verb: str) -> int:
    command = [str(PROGRAMS / "polarisctl"), "--socket", str(place / SOCKET), verb]
    return subprocess.run(command, check=False).returncode


def main() -> int:
    if shutil.which("setpriv") is None:
        raise SystemExit("make run: cannot run: setpriv (of util-linux) is missing")
    try:
        # not in the tree: a path to a Unix socket has to be short
        with TemporaryDirectory(prefix="polaris-run-") as name, running_daemon(Path(name)):
            place = Path(name)
            print(f"polarisd runs; its socket, state and log are in {place}", flush=True)
            has_terminal = sys.stdin.isatty() and sys.stdout.isatty()
            print(f"{using(place) if has_terminal else KEEPING}\n", flush=True)
            status = client(place, "status")
            if has_terminal:
                # the monitor's screen hides all this
                print(f"\n{MONITOR}", flush=True)
                sys.stdin.readline()
                status = client(place, "monitor")
    except KeyboardInterrupt:
        status = 0  # one of the ways to leave
    print("\npolarisd has stopped")
    return 0 if status == UNHEALTHY else status


if __name__ == "__main__":
    sys.exit(main())
