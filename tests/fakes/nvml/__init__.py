"""A fake NVIDIA driver library for tests: see README.md."""

from .fake import FakeNvml
from .models import model_names

__all__ = ["FakeNvml", "model_names"]
