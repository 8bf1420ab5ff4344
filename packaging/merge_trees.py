"""Merge the trees that an installer made for several Pythons into one that all of them can use.

This works because a compiled extension carries its ABI in its file name (`x.abi3.so`,
`_cmsgpack.cpython-311-x86_64-linux-gnu.so`), and everything else is the same file for each Python,
as long as one lock served them all.  Two files that differ stop the merge.

    merge_trees.py OUT TREE...
"""

from __future__ import annotations

import filecmp
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

# Not used at run time: sources of extensions, stubs, installers' books, libraries' own tests.
DROPPED_SUFFIXES = frozenset({".c", ".cpp", ".h", ".pxd", ".pyi", ".pyx"})
# Some wheels lay their documentation, or other programs' completions, beside the packages, several
# of them under the same names.
DROPPED_AT_TOP = frozenset({"docs", "newsfragments", "share"})
DROPPED_FILES = frozenset({Path("example.py")})  # nvidia-ml-py puts one on the import path
DROPPED_DIRECTORIES = frozenset({"SelfTest", "__pycache__", "_tests", "bin", "tests"})
KEPT_METADATA = ("METADATA", "entry_points.txt", "licenses", "LICENSE", "COPYING", "NOTICE")


def is_wanted(relative: Path) -> bool:
    if DROPPED_DIRECTORIES.intersection(relative.parts[:-1]) or relative.parts[0] in DROPPED_AT_TOP:
        return False
    if relative.parts[0].endswith(".dist-info"):
        return relative.parts[1].startswith(KEPT_METADATA)
    if relative in DROPPED_FILES or relative.name.startswith("."):
        return False
    return relative.suffix not in DROPPED_SUFFIXES


def wanted_files(tree: Path) -> Iterator[Path]:
    for path in sorted(tree.rglob("*")):
        relative = path.relative_to(tree)
        if path.is_file() and is_wanted(relative):
            yield relative


def merge(out: Path, trees: list[Path]) -> list[str]:
    """Copy each tree's wanted files into `out`, which is made anew; return what differs."""
    shutil.rmtree(out, ignore_errors=True)
    conflicts = []
    for tree in trees:
        for relative in wanted_files(tree):
            source, target = tree / relative, out / relative
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
            elif not filecmp.cmp(source, target, shallow=False):
                conflicts.append(f"{relative} of {tree} differs from an earlier tree's")
    return conflicts


def main(argv: list[str]) -> int:
    if len(argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    out, *trees = map(Path, argv)
    conflicts = merge(out, trees)
    for conflict in conflicts:
        print(f"merge_trees: {conflict}", file=sys.stderr)
    return 1 if conflicts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
