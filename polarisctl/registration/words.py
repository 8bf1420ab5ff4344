"""The words that are chosen among, on the command line and at the terminal.  Imports nothing."""

BITTENSOR, INDEPENDENT, COMMUNE = "bittensor", "independent", "commune"
MODES = (BITTENSOR, INDEPENDENT, COMMUNE)
HERE, ELSEWHERE = "here", "elsewhere"
# Where a hotkey comes from; nothing said means the one that is on this host already.
NEW, WALLET, FILE, TYPED, PIPED = "new", "wallet", "file", "typed", "piped"
