"""Completion scripts for bash, zsh and fish, made from the verb table.  Pure.

`places` reads the parsers; one module per shell writes its script.
"""
