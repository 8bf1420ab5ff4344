"""Measurements: what Polaris costs, beside what its peers cost in the same run.

`python -m tests.bench` (or `make bench`) prints tables in Markdown; nothing in here
is a test, and nothing fails because a machine is slow.
"""
