"""As communex has it."""


class ChainTransactionError(Exception):
    """Error for any chain transaction related errors."""
