"""What the calls do: one module for each subject; `table` puts them together.

A handler takes the ledger, who signed, and the arguments by name, and raises `Refused` for
what the runtime's own dispatch refuses, in the runtime's order.
"""
