"""What systemd does for polaris-worker.socket: each connection is the stdin and stdout of a
new process.  Standard library only.
"""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path


class WorkerSocket:
    """Listens at `path` until it is closed; `argv` is asked anew for each worker."""

    def __init__(
        self, path: Path, argv: Callable[[], list[str]], environ: Mapping[str, str]
    ) -> None:
        self.path = path
        self.workers: list[subprocess.Popen[bytes]] = []
        self._argv = argv
        self._environ = dict(environ)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                number = connection.fileno()
                worker = subprocess.Popen(
                    self._argv(), stdin=number, stdout=number, env=self._environ
                )
            self.workers.append(worker)

    def close(self) -> None:
        """And reap every worker: those that the daemon has not ended are killed."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for worker in self.workers:
            worker.kill()
            worker.wait()
