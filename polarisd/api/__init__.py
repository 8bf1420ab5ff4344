"""What crosses the control socket, declared once.

A leaf: it may import the standard library and msgpack, and nothing of polarisd
or polarisctl, so that both sides can share it.
"""
