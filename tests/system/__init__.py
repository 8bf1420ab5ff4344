"""The package and the unit, on machines that a real systemd booted."""
