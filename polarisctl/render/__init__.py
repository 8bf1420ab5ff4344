"""Maps from the daemon to text for a terminal: pure, and never raising.

Every function takes what came over the wire and a Terminal, and returns text.
Readings may be Unknown, fields may be missing (an older daemon) or unexpected.
"""
