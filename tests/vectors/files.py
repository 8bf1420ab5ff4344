"""The vector files and what belongs in them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.vectors import conversation, parts


def all_vectors() -> dict[str, object]:
    return {
        "parts": parts.examples(),
        "challenge_both": conversation.example(parts.COMPUTE, parts.MEMORY),
        "challenge_freivalds": conversation.example(parts.COMPUTE_INT8, None),
        "challenge_memory": conversation.example(None, parts.MEMORY_ALONE, 0.5),
        "challenge_no_passes": conversation.example(None, parts.NO_PASSES, 12.0),
    }


def path_of(name: str) -> Path:
    return Path(__file__).with_name(f"{name}.json")


def text_of(content: object) -> str:
    return json.dumps(content, indent=1) + "\n"
