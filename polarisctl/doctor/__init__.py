"""`polarisctl doctor`: is this machine fit to be offered, and if not, what to do.

Each topic module holds frozen values, the parsers that make them and the pure
judgements over them; `gather/` holds the edges that read the machine; `table`
declares every check once.  Called by `polarisctl.commands.doctor`.  Imports the
standard library, `polarisd.api` and the client of polarisctl, and nothing else.
"""
