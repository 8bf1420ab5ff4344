"""A second reading of docs/proof.md, in plain integers, that shares no code with the first."""
