"""Tests of the live screen: scripted daemons, and real pseudo-terminals."""
