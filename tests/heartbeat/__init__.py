"""Heartbeats over real HTTP on loopback: a miner, and validators of every kind."""
