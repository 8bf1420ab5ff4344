"""The HTTP face of miner and validator, and the client that speaks to others' faces."""
