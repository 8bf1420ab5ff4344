"""Signed signs of life.  A miner's side (`sender.Beats`) and a validator's (`answering.Answering`).

docs/heartbeat.md is the protocol.  Imports `polarisd.api`, `checking`, `journal`, `keys`
and `store`; what speaks HTTP, and who is registered, is handed in.
"""
