"""`python -m tests.bench.watch_peers PATH COUNT INTERVAL SECONDS`: many who watch at once.

Each is a session of its own that reads what comes and looks at nothing; prints the bytes.
"""

from __future__ import annotations

import selectors
import sys
import time

from polarisd.api import wire
from tests.bench.socket_peers import connect

_CHUNK_BYTES = 1 << 18


def watch(path: str, count: int, interval_s: float, seconds: float) -> int:
    request = wire.request(1, "watch", {"interval_s": interval_s, "events": True})
    received = 0
    with selectors.DefaultSelector() as selector:
        for _ in range(count):
            client = connect(path)
            client.sendall(request)
            selector.register(client, selectors.EVENT_READ, client)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for key, _ in selector.select(timeout=0.1):
                data = key.data.recv(_CHUNK_BYTES)
                if not data:
                    raise SystemExit("cannot measure: polarisd cut a watcher off")
                received += len(data)
    return received


if __name__ == "__main__":
    path, count, interval_s, seconds = sys.argv[1:]
    sys.stdout.write(f"{watch(path, int(count), float(interval_s), float(seconds))}\n")
