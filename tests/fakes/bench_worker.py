"""A worker process that does what a test tells it, well-behaved or not.

`argv(*steps)` is its command line; each step is a map with `do`, carried out in order:

    hello     say it; other keys go over those of the frame
    figures   of every test of the job: a progress and a figure; `value` is that of all
    send      the map `frame`, `times` over
    bytes     those of `hex`, `times` over
    flood     progress without end
    wait      until there is a file `path`
    hang      for ever, deaf to SIGTERM and to the end of stdin
    obey      until the end of stdin
    die       by SIGKILL
    close     stdout, and go on

After the last step it ends.  Imports nothing of Polaris.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import msgpack

Step = dict[str, Any]
POLL_S = 0.005
UNITS = {
    "memory_copy": "byte/s",
    "memory_read": "byte/s",
    "h2d_pinned": "byte/s",
    "d2h_pinned": "byte/s",
    "vram_capacity": "byte",
}


def argv(*steps: Step) -> list[str]:
    return [sys.executable, "-I", str(Path(__file__).resolve()), json.dumps(steps)]


def figure(test: str, value: object = 1.5e12) -> Step:
    return {
        "kind": "figure",
        "test": test,
        "value": value,
        "unit": UNITS.get(test, "op/s"),
        "repeats": 5,
        "spread": 0.01,
        "seconds_ago_started": 0.5,
        "seconds_ago_ended": 0.0,
        "detail": "made up",
    }


def hello(job: Step) -> Step:
    return {
        "kind": "hello",
        "pid": os.getpid(),
        "backend": job["backend"],
        "device": {
            "name": "a made-up processor",
            "uuid": job["gpu_uuid"],
            "total_bytes": 1 << 30,
            "compute_capability": "",
        },
        "versions": {"numpy": "2.0", "seen_by_cuda": os.environ.get("CUDA_VISIBLE_DEVICES", "-")},
    }


def send(frame: Step) -> None:
    write(msgpack.packb(frame))


def write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def read_job() -> Step:
    frames = msgpack.Unpacker()
    while True:
        for frame in frames:
            job: Step = frame
            return job
        data = os.read(0, 1 << 16)
        if not data:
            sys.exit(0)
        frames.feed(data)


def do(step: Step, job: Step) -> None:
    rest = {key: value for key, value in step.items() if key not in ("do", "times")}
    match step["do"]:
        case "hello":
            send({**hello(job), **rest})
        case "figures":
            for number, test in enumerate(job["tests"]):
                share = number / len(job["tests"])
                send({"kind": "progress", "test": test, "share": share})
                send(figure(test, **rest))
        case "send":
            for _ in range(step.get("times", 1)):
                send(step["frame"])
        case "bytes":
            for _ in range(step.get("times", 1)):
                write(bytes.fromhex(step["hex"]))
        case "flood":
            while True:
                send({"kind": "progress", "test": job["tests"][0], "share": 0.5})
        case "wait":
            while not os.path.exists(step["path"]):
                time.sleep(POLL_S)
        case "hang":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                time.sleep(3600)
        case "obey":
            while os.read(0, 1 << 16):
                pass
            sys.exit(0)
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "close":
            os.close(1)


def main() -> None:
    steps = json.loads(sys.argv[1])
    # One that hangs from its first step on does not even read.
    job = {} if steps and steps[0]["do"] == "hang" else read_job()
    for step in steps:
        do(step, job)


if __name__ == "__main__":
    main()
