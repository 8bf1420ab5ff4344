"""The HTTP face and its client, over real sockets on the loopback."""
