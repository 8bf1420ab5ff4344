"""The index: /simple/PROJECT/ in JSON or HTML, /files/NAME with ranges, and faults on demand.

    python3 server.py DIRECTORY PORT_FILE [FAULTS.json]

Standard library only and of nothing else here: it also runs by itself inside a box.  It writes
the port that it got into PORT_FILE, and each request on a line of its standard output.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import TextIO

JSON_TYPE = "application/vnd.pypi.simple.v1+json"


class Fault(dict[str, object]):
    """What one request for a file gets: `status`, with `headers`; `drop_after` so many bytes;
    `no_ranges`; `spoil` the bytes; `grow` the file's size; `stall` until the client goes."""


class IndexServer(ThreadingHTTPServer):
    """`faults` are used up one a request, by file name; `seen` is (path, Range) of each, which
    `told` gets a line of."""

    daemon_threads = True

    def __init__(
        self,
        directory: Path,
        *,
        html: bool = False,
        faults: Mapping[str, list[Fault]] | None = None,
        told: TextIO | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.directory = directory
        self.html = html
        self.faults = {name: list(these) for name, these in (faults or {}).items()}
        self.told = told
        self.seen: list[tuple[str, str]] = []

    def server_bind(self) -> None:
        # not HTTPServer's, which asks the network for this host's name
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/simple"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes in the middle is nothing to tell."""


class Handler(BaseHTTPRequestHandler):
    server: IndexServer
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Range", "")))
        if self.server.told is not None:
            self.server.told.write(f"{self.path} {self.headers.get('Range', '-')}\n")
            self.server.told.flush()
        kind, _, name = self.path.strip("/").partition("/")
        if kind == "simple":
            self._page(name)
        elif kind == "files" and (self.server.directory / name).is_file():
            faults = self.server.faults.get(name)
            self._file(name, faults.pop(0) if faults else Fault())
        else:
            self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Silent: `seen` has it."""

    def _page(self, project: str) -> None:
        stem = project.replace("-", "_") + "-"
        files = [p for p in sorted(self.server.directory.iterdir()) if p.name.startswith(stem)]
        if not files:
            self.send_error(404)
        elif self.server.html:
            anchors = "".join(f'<a href="../../files/{p.name}#sha256=0">x</a>' for p in files)
            self._send(200, {"Content-Type": "text/html"}, f"<html>{anchors}".encode())
        else:
            page = {"files": [{"filename": p.name, "url": f"/files/{p.name}"} for p in files]}
            self._send(200, {"Content-Type": JSON_TYPE}, json.dumps(page).encode())

    def _file(self, name: str, fault: Fault) -> None:
        data = (self.server.directory / name).read_bytes()
        if "status" in fault:
            self.send_response(int(str(fault["status"])))
            for header, value in dict(fault.get("headers", {})).items():  # type: ignore[call-overload]
                self.send_header(header, value)
            self.end_headers()
            return
        if fault.get("spoil"):
            data = hashlib.sha256(data).digest() + data[32:]
        data += bytes(int(str(fault.get("grow", 0))))
        asked = self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if not asked or fault.get("no_ranges"):
            start, status, headers = 0, 200, {}
        else:
            status = 206
            headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        kept = data[start:][: int(str(fault.get("drop_after", len(data))))]
        length = {"Content-Length": str(len(data) - start)}
        self._send(status, {**headers, **length}, kept)
        if fault.get("stall"):
            self.wfile.flush()
            self.rfile.read(1)  # comes when the client gives up

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def main(argv: list[str]) -> None:
    directory, port_file = Path(argv[0]), Path(argv[1])
    faults = json.loads(Path(argv[2]).read_text()) if argv[2:] else {}
    server = IndexServer(
        directory,
        faults={name: [Fault(one) for one in these] for name, these in faults.items()},
        told=sys.stdout,
    )
    port_file.write_text(f"{server.server_port}\n")
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
