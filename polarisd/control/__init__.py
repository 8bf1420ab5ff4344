"""The control socket: who may ask what, the table of commands, and the server."""
