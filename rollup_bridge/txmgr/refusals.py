"""What an L1 node means when it refuses a transaction.

Nodes say it in words only; the words here are those of geth, reth, erigon, nethermind, anvil and our own
node.
"""

from enum import Enum


class Refusal(Enum):
    """`KNOWN` is none: the node has the transaction already."""

    KNOWN = "already known"
    NONCE_TOO_LOW = "nonce too low"
    UNDERPRICED = "underpriced"
    FUNDS = "insufficient funds"
    BUSY = "busy"
    OTHER = "other"


_PHRASES = (
    (
        Refusal.KNOWN,
        ("already known", "already imported", "alreadyknown", "known transaction", "in the pool"),
    ),
    (Refusal.NONCE_TOO_LOW, ("nonce too low", "nonce is too low", "oldnonce", "old nonce")),
    (
        Refusal.UNDERPRICED,
        (
            "underpriced",
            "fee too low",
            "feetoolow",
            "less than block base fee",
            "below the base fee",
            "min tip",
        ),
    ),
    (Refusal.FUNDS, ("insufficient funds", "insufficientfunds", "insufficient balance")),
    (Refusal.BUSY, ("pool is full", "rate limit", "too many requests", "timeout", "queue")),
)


def classify(message: str) -> Refusal:
    """What a node's words mean; `OTHER` for those of no known client."""
    lowered = message.lower()
    for refusal, phrases in _PHRASES:
        if any(phrase in lowered for phrase in phrases):
            return refusal
    return Refusal.OTHER
