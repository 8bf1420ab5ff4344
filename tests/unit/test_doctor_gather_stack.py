"""The doctor looks at GPU stacks and at the worker's socket on a machine of files and scripts."""

from __future__ import annotations

import json
from pathlib import Path

from polarisctl.doctor.gather.gpu_stack import gather_gpu_stack
from polarisctl.doctor.gather.unit import gather_worker_socket
from polarisd.bench.stack import MANIFEST, OWN, PACKAGE
from tests.unit.doctor_cases_machine import SYSTEM
from tests.unit.doctor_support import edge, prints, tree
from tests.unit.test_bench_stack import GOOD


def manifest(**changed: object) -> str:
    return json.dumps({**GOOD, **changed})


def test_the_package_is_found_before_gpu_setups(tmp_path: Path) -> None:
    tree(tmp_path, {f"{place.path}/cp311/{MANIFEST}": manifest() for place in (PACKAGE, OWN)})
    stack = gather_gpu_stack(edge(tmp_path))
    assert stack.found is not None
    assert stack.found.origin == PACKAGE.origin
    assert (stack.tag, stack.flaws, stack.others) == ("cp311", (), ())


def test_another_pythons_and_one_that_is_not_finished(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            f"{OWN.path}/cp310/{MANIFEST}": manifest(python="cp310"),
            f"{OWN.path}/cp311/cupy/__init__.py": "",
            f"{OWN.path}/downloads/x.part": "",
        },
    )
    stack = gather_gpu_stack(edge(tmp_path))
    assert stack.found is None
    assert [flaw.origin for flaw in stack.flaws] == [OWN.origin]
    assert stack.others == ("cp310",)
    assert gather_gpu_stack(edge(tmp_path, python=(3, 10, 2))).found is not None


def test_a_machine_without_any(tmp_path: Path) -> None:
    stack = gather_gpu_stack(edge(tmp_path))
    assert (stack.found, stack.flaws, stack.others) == (None, (), ())


def test_the_socket_is_asked_for_by_its_name(tmp_path: Path) -> None:
    prints(tmp_path / "bin", "systemctl", "LoadState=loaded\nActiveState=active")
    unit = gather_worker_socket(edge(tmp_path, bin_directory=tmp_path / "bin"), SYSTEM)
    assert unit.name == "polaris-worker.socket"
    assert unit.properties == {"LoadState": "loaded", "ActiveState": "active"}
