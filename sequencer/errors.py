"""Why the pool refuses a transaction, in the words wallets match on.

StaleParentError      caught by the loop: the head moved under an open block, which is given up
AdmissionError        caught by the RPC's error table; the pool is unchanged after one
├── AlreadyKnownError     the same transaction is in the pool
├── UnpayableError        the sender cannot pay for it
└── UnderpricedError      it pays too little to enter or to replace another

The messages are go-ethereum's: ethers, viem and web3.py recognise failures by them.
"""


class StaleParentError(Exception):
    """Derivation replaced the head while a block was built on it; nothing of the block is stored."""


class AdmissionError(Exception):
    """A transaction the pool does not take; `str()` is the answer to its sender."""


class AlreadyKnownError(AdmissionError):
    """The very transaction is in the pool."""

    def __init__(self) -> None:
        super().__init__("already known")


class UnpayableError(AdmissionError):
    """The balance does not cover its most, with all that waits before it; amounts in wei."""

    def __init__(self, balance_wei: int, cost_wei: int, queued_wei: int = 0) -> None:
        queued = f"queued cost {queued_wei}, " if queued_wei else ""
        super().__init__(
            f"insufficient funds for gas * price + value: balance {balance_wei}, {queued}"
            f"tx cost {cost_wei}, overshot {queued_wei + cost_wei - balance_wei}"
        )


class UnderpricedError(AdmissionError):
    """It pays too little to enter a full pool, or to replace another of its nonce."""
