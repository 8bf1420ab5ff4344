"""What the owner of a GPU can do about it.  Texts alone, for whoever has a failure to tell."""

SETUP_HINT = "sudo polarisctl gpu-setup"
DRIVER_HINT = "look at `nvidia-smi`, and at `journalctl -k` for lines with NVRM or Xid"
RESET_HINT = "look at `journalctl -k` for Xid lines; reset the GPU, or restart the machine"
MEMORY_HINT = "see with `nvidia-smi` who else uses the GPU's memory"
UPGRADE_HINT = "install an NVIDIA driver of version 525.60.13 or later"
BUG_HINT = "this is a bug: please report it, with the daemon's journal"
