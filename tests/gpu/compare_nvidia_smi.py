"""Field by field: what Polaris says of each GPU beside what nvidia-smi says.

    python -m tests.gpu.compare_nvidia_smi
    python -m tests.gpu.compare_nvidia_smi -- sudo polarisctl gpus --json

After `--`: the command whose JSON is compared; this tree's `polarisd --probe` if none is
given.  Exit status: 0 they agree, 1 they do not, 2 there is nothing to compare.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.gpu.fields import FIELDS, Field, Verdict, judge, ours

PROBE = (sys.executable, "-m", "polarisd.main", "--probe")
DEADLINE_S = 120.0
EXIT_AGREE, EXIT_DIFFER, EXIT_CANNOT = 0, 1, 2

# values by field name, by UUID
Table = Mapping[str, Mapping[str, str]]


class CannotCompare(Exception):
    """The text says why."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.gpu.compare_nvidia_smi",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="*", help="what prints Polaris's JSON")
    command = parser.parse_args(arguments).command or PROBE
    try:
        fields, before = query(FIELDS)
        document = polaris(command)
        _, after = query(fields)
        verdicts = dict(compare(fields, before, after, document))
    except CannotCompare as problem:
        sys.stderr.write(f"cannot compare: {problem}\n")
        return EXIT_CANNOT
    left_out = [field.name for field in FIELDS if field not in fields]
    sys.stdout.write("".join(f"{line}\n" for line in report(verdicts, left_out)))
    return EXIT_DIFFER if any(v.why for rows in verdicts.values() for v in rows) else EXIT_AGREE


def query(fields: Sequence[Field]) -> tuple[tuple[Field, ...], Table]:
    """What nvidia-smi says of the fields that it knows, and which those are."""
    known = list(fields)
    while known:
        names = ["uuid", "driver_version", *(field.name for field in known)]
        done = _run(
            ("nvidia-smi", f"--query-gpu={','.join(names)}", "--format=csv,noheader,nounits")
        )
        refused = re.search(r'Field "([^"]+)" is not a valid field', done.stdout + done.stderr)
        if refused is None:
            if done.returncode != 0:
                raise CannotCompare(f"nvidia-smi: {(done.stderr or done.stdout).strip()}")
            return tuple(known), parse(names, done.stdout)
        known = [field for field in known if field.name != refused[1]]
    raise CannotCompare("nvidia-smi knows none of the fields")


def parse(names: Sequence[str], output: str) -> Table:
    table = {}
    for row in csv.reader(output.splitlines(), skipinitialspace=True):
        if len(row) != len(names):
            raise CannotCompare(f"nvidia-smi gave {len(row)} values for {len(names)} fields")
        values = dict(zip(names, map(str.strip, row), strict=True))
        table[values["uuid"]] = values
    return table


def polaris(command: Sequence[str]) -> Mapping[str, Any]:
    done = _run(command)
    try:
        document = json.loads(done.stdout)
    except ValueError:
        document = None
    if not isinstance(document, dict) or "gpus" not in document:
        said = (done.stderr or done.stdout).strip()
        raise CannotCompare(f"{' '.join(command)} printed no GPUs: {said}")
    return document


def compare(
    fields: Sequence[Field], before: Table, after: Table, document: Mapping[str, Any]
) -> Iterator[tuple[str, list[Verdict]]]:
    """By UUID: the verdict on each field.  A GPU that only one side has is a difference."""
    ours_by_uuid = {gpu["uuid"]: gpu for gpu in document["gpus"]}
    driver = document["driver"]["driver_version"]
    for uuid in sorted({*before, *after, *ours_by_uuid}):
        if uuid not in before or uuid not in after or uuid not in ours_by_uuid:
            here = "present" if uuid in ours_by_uuid else "absent"
            there = "present" if uuid in before and uuid in after else "absent"
            yield uuid, [Verdict("uuid", there, here, "only one of them has this GPU")]
            continue
        said = before[uuid]["driver_version"]
        verdicts = [Verdict("driver_version", said, driver, "" if said == driver else "differ")]
        for field in fields:
            reading = ours(ours_by_uuid[uuid], field.path)
            verdicts.append(
                judge(field, before[uuid][field.name], after[uuid][field.name], reading)
            )
        yield uuid, verdicts


def report(verdicts: Mapping[str, Sequence[Verdict]], left_out: Sequence[str]) -> Iterator[str]:
    for uuid, rows in verdicts.items():
        yield uuid
        for row in rows:
            yield f"  {row.name:36} {row.theirs:>32}  {_shown(row.ours):>32}  {row.why or 'ok'}"
    if left_out:
        yield f"this nvidia-smi does not know: {', '.join(left_out)}"
    wrong = sum(bool(row.why) for rows in verdicts.values() for row in rows)
    yield f"{len(verdicts)} GPUs, {sum(map(len, verdicts.values()))} fields, {wrong} differ"


def _shown(reading: object) -> str:
    return f"({reading['unknown']})" if isinstance(reading, Mapping) else str(reading)


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise CannotCompare(str(problem)) from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
