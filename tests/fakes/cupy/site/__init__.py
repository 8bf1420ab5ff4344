"""A directory for sys.path."""
