"""Keeps a chain over a restart of its node, which loses pool, orphans and faults."""

from __future__ import annotations

import pickle
from pathlib import Path

from tests.devnode.blocks import Blocks
from tests.devnode.node import Node, make_codec
from tests.devnode.options import Options


def save(node: Node, path: Path) -> None:
    blocks = node.blocks
    path.write_bytes(pickle.dumps((blocks.canonical(), blocks.finalized.number, node.runtimes)))


def load(options: Options, path: Path) -> Node:
    """A file of `save`, with the options of the node that it was."""
    chain, finalized, runtimes = pickle.loads(path.read_bytes())
    codecs = [make_codec(options, spec, consensus) for spec, consensus in runtimes.items()]
    return Node(options, Blocks.restored(chain, finalized, codecs, options.finality_lag), runtimes)
