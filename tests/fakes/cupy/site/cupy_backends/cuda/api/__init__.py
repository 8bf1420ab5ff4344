"""A part of the fake cupy."""
