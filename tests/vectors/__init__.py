"""Examples of everything in docs/proof.md, byte for byte, for any implementation of it.

`python -m tests.vectors` writes them anew; a change in them is a change of the protocol.
"""
