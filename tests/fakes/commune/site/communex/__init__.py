"""The fake: see tests/fakes/commune/README.md."""
