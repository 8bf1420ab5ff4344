"""One module per verb, each imported only when its verb runs (see polarisctl.verbs)."""
