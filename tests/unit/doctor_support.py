"""For the tests of `polarisctl doctor`: a machine of files and scripts, and known topics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from polarisctl.doctor.edge import Edge
from polarisctl.doctor.facts import TOPICS, Facts
from polarisctl.doctor.later import Later

CLIENT_VERSION = "1.2.3"


@dataclass(frozen=True)
class Case:
    """What a check must answer to these topics; `says` must stand in what it says."""

    id: str
    verdict: str
    says: str
    topics: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.id}-{self.verdict}-{self.says[:30]}"


def case(check: str, verdict: str, says: str, **topics: object) -> Case:
    return Case(check, verdict, says, topics)


def edge(root: Path, *, bin_directory: Path | None = None, **changed: object) -> Edge:
    """An Edge over `root`, which finds no program but those in `bin_directory`."""
    values: dict[str, object] = {
        "root": root,
        "search_path": str(bin_directory or root / "no-bin"),
        "socket_path": str(root / "polarisd.sock"),
        "config_path": "",
        "uid": 1000,
        "user": "ada",
        "groups": frozenset({1000}),
        "machine": "x86_64",
        "kernel": "6.1.0-18-amd64",
        "python": (3, 11, 2),
        "libc": "2.36",
        "environment": {},
        "deadline_s": 5.0,
        **changed,
    }
    return Edge(**values)  # type: ignore[arg-type]  # tests name the fields right or fail


def tree(root: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return root


def script(directory: Path, name: str, body: str) -> Path:
    """A real program: `body` under /bin/sh."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    # The Edge hands on a PATH of its own, on which there is no cat.
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{body}\n")
    path.chmod(0o755)
    return path


def prints(directory: Path, name: str, text: str, status: int = 0) -> Path:
    """A program that prints `text` whatever it is asked."""
    return script(directory, name, f"cat <<'END-OF-TEXT'\n{text}\nEND-OF-TEXT\nexit {status}")


@contextmanager
def known(root: Path, topics: Mapping[str, object]) -> Iterator[Facts]:
    """Facts with these topics as given; any other is read from the machine at `root`."""
    with ThreadPoolExecutor(max_workers=TOPICS) as pool:
        facts = Facts(edge(root), pool, CLIENT_VERSION)
        for name, value in topics.items():
            assert isinstance(getattr(facts, name), Later), name
            setattr(facts, name, _later(pool, value))
        yield facts


def _later(pool: ThreadPoolExecutor, value: object) -> Later[object]:
    return Later(pool, lambda: value)
