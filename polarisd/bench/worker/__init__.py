"""The process that computes on one GPU for the daemon: it starts, does one job and ends."""
