"""The proof protocols SGC/1 and VRC/1, pure: no I/O, no clock, no process.

`docs/proof.md` is their specification, and each module names the section that it
follows.  NumPy does the arithmetic; nothing here knows of CUDA.  The validator's
side and the prover's script live here; what computes on a GPU is an engine that the
prover is handed.
"""
