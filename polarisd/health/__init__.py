"""What can be wrong with this machine, what it means and what to do about it.

`catalogue` declares each fault once; `gpu_signs` and `host_signs` say which hold
in a snapshot; `board` turns that into faults that are raised and cleared.  Pure:
imports nothing but the wire types.
"""
