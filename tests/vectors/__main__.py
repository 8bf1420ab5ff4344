"""Write the vectors anew: `python -m tests.vectors`."""

from __future__ import annotations

from tests.vectors.files import all_vectors, path_of, text_of

for name, content in all_vectors().items():
    path_of(name).write_text(text_of(content))
    print(path_of(name))
