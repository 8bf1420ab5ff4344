"""What each method of the daemon answers with, as far as polarisctl relies on it.

Whatever else answers on the socket must not pass for a healthy machine, or for one
without GPUs: of a result of another shape nothing is concluded.  Pure.
"""

from __future__ import annotations

# Keys that are always there, and what they hold; more may come with any version.
_SHAPES: dict[str, dict[str, type]] = {
    "snapshot": {"daemon": dict, "driver": dict, "host": dict, "gpus": list, "faults": list},
    "watch": {"watch": int},
    "start": {"wanted": bool},
    "stop": {"wanted": bool},
    "config": {"values": dict},
    "reload": {"changed": list, "needs_restart": list},
    "forget": {"forgotten": list},
    "benchmark": {"runs": list},
    "benchmark_cancel": {"cancelled": list},
    "benchmarks": {"runs": list},
}
_OF_MAPS = ("gpus", "faults", "runs")
_WORDS = {dict: "a map", list: "a list", bool: "true or false", int: "a number"}


def fault_of(method: str, result: object) -> str:
    """Why `result` cannot be polarisd's answer to `method`; empty if it can."""
    if not isinstance(result, dict):
        return f"what came for {method} is not a map"
    if not all(isinstance(key, str) for key in result):
        return f"what came for {method} has keys that are not text"
    for key, kind in _SHAPES.get(method, {}).items():
        if not isinstance(result.get(key), kind):
            return f"what came for {method} has no '{key}' that is {_WORDS[kind]}"
        if key in _OF_MAPS and not all(isinstance(item, dict) for item in result[key]):
            return f"what came for {method} has more than maps in '{key}'"
    return ""
