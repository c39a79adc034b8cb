"""What can go wrong on the road to L1, by consequence, and who catches it.

BridgeError
├── TemporaryError      no answer yet: the service's loop waits with back-off and repeats the step
├── ResetError          the ground moved (an L1 reorg, heads that do not fit): the derivation driver starts
│                       anew from a head that still stands; the batcher from the safe head
├── CriticalError       going on would break consensus: nobody here catches it, the node stops
├── MalformedError      bytes from L1 that are no valid encoding: the stage that reads them drops them by rule
├── InvalidBlockError   the engine refuses the transactions of a block: the driver derives the deposits alone
└── TransactionError    an L1 transaction will not be mined as it is: whoever asked for it decides
"""


class BridgeError(Exception):
    """Root of the rollup's errors."""


class TemporaryError(BridgeError):
    """Retry later."""


class ResetError(BridgeError):
    """Rewind and derive again."""


class CriticalError(BridgeError):
    """Stop."""


class MalformedError(BridgeError):
    """Not a valid encoding; dropped by rule."""


class InvalidBlockError(BridgeError):
    """A block's transaction list cannot be executed."""


class TransactionError(BridgeError):
    """An L1 transaction was refused, reverted or given up."""
