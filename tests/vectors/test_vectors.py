"""The protocol is what the vectors say: any difference is a new version of it."""

from __future__ import annotations

import pytest

from tests.vectors.files import all_vectors, path_of, text_of


@pytest.mark.parametrize("name", sorted(all_vectors()))
def test_the_vectors_are_what_this_implementation_says(name: str) -> None:
    assert text_of(all_vectors()[name]) == path_of(name).read_text()
