"""How the tests are shared out when several processes run them (`pytest -n 2`).

A file stays in one process, for its fixtures' sake.  So do all that boot a systemd: they
share containers, and wait more than they work, so they go first and the rest beside them.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

BOOTED = "tests/system/"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        file = item.nodeid.partition("::")[0]
        group = BOOTED if file.startswith(BOOTED) else file
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: not item.nodeid.startswith(BOOTED))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Between processes goes UTF-8 only, and some tests log what is none."""
    report = yield
    report.sections = [
        (title, text.encode("utf-8", "backslashreplace").decode())
        for title, text in report.sections
    ]
    return report
