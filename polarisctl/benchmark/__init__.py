"""What `polarisctl benchmark` shows: progress while it runs, tables and trends after.

`wording` to `bars` are pure, over maps as the daemon sent them; `follow` and
`display` touch the socket and the terminal.
"""
