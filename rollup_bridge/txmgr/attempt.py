"""What to do next about one L1 transaction: publish, bid more, wait, be done or give up.

Pure: time and observations are arguments. One nonce, many variants (same content, rising bids); any of them
may be the one that is mined.
Source: OP Stack `op-service/txmgr`, send state, for the meaning of the limits.
"""

from dataclasses import dataclass, replace

from genesis.types import Hash32
from rollup_bridge.ports import L1Inclusion
from rollup_bridge.txmgr.fees import Bid
from rollup_bridge.txmgr.refusals import Refusal


@dataclass(frozen=True, slots=True)
class AttemptPolicy:
    """`confirmations` 1 means: in a block. `nonce_too_low_limit`: so many refusals in a row, and the nonce
    has gone to another transaction. `gap_patience_s`: so long may the account's earlier transactions be
    missing after a reorg, which a node may put back into its pool or not."""

    confirmations: int = 1
    resubmission_timeout_s: float = 48.0
    nonce_too_low_limit: int = 3
    refusal_limit: int = 5
    gap_patience_s: float = 24.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """`variants` are hashes that the node accepted, oldest first; `bid` is the newest tried; `gap_since_s` is
    when nonces before this one were first found unused again."""

    nonce: int
    bid: Bid
    variants: tuple[Hash32, ...] = ()
    published_s: float | None = None
    nonce_too_low: int = 0
    refusals: int = 0
    gap_since_s: float | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    pass


@dataclass(frozen=True, slots=True)
class Publish:
    """Sign and send; `raise_bid` asks for a higher bid than the attempt's."""

    raise_bid: bool


@dataclass(frozen=True, slots=True)
class Done:
    inclusion: L1Inclusion


@dataclass(frozen=True, slots=True)
class GiveUp:
    reason: str


Decision = Wait | Publish | Done | GiveUp


def accepted(attempt: Attempt, transaction_hash: Hash32, bid: Bid, now_s: float) -> Attempt:
    """The node has the transaction."""
    known = transaction_hash in attempt.variants
    variants = attempt.variants if known else (*attempt.variants, transaction_hash)
    return replace(attempt, bid=bid, variants=variants, published_s=now_s, nonce_too_low=0, refusals=0)


def refused(attempt: Attempt, refusal: Refusal, bid: Bid, now_s: float) -> Attempt:
    """The node does not take the transaction."""
    if refusal is Refusal.NONCE_TOO_LOW:
        return replace(attempt, nonce_too_low=attempt.nonce_too_low + 1, published_s=now_s)
    if refusal is Refusal.UNDERPRICED:
        return replace(attempt, bid=bid, published_s=None, refusals=attempt.refusals + 1)
    return replace(attempt, published_s=now_s, refusals=attempt.refusals + 1)


def looked_up(attempt: Attempt, next_nonce: int, now_s: float) -> Attempt:
    """The account's next nonce on L1. It was not below ours when we began: a reorg undid what came before."""
    if next_nonce >= attempt.nonce:
        return replace(attempt, gap_since_s=None)
    return attempt if attempt.gap_since_s is not None else replace(attempt, gap_since_s=now_s)


def decide(
    attempt: Attempt, inclusion: L1Inclusion | None, head_number: int, now_s: float, policy: AttemptPolicy
) -> Decision:
    """Given where a variant was mined, if any, and the L1 head's height."""
    if inclusion is not None:
        deep = head_number - inclusion.block.number + 1 >= policy.confirmations
        return Done(inclusion) if deep else Wait()
    if attempt.nonce_too_low >= policy.nonce_too_low_limit:
        return GiveUp(f"nonce {attempt.nonce} was used by another transaction")
    if attempt.refusals >= policy.refusal_limit and not attempt.variants:
        return GiveUp(f"refused {attempt.refusals} times")
    if attempt.gap_since_s is not None and now_s - attempt.gap_since_s >= policy.gap_patience_s:
        return GiveUp(f"nonce {attempt.nonce} waits for nonces that a reorg freed")
    if attempt.published_s is None:
        return Publish(raise_bid=attempt.refusals > 0)
    patience_s = policy.resubmission_timeout_s
    if attempt.nonce_too_low:
        patience_s = min(patience_s, 1.0)  # mined already, perhaps by us: the receipt decides within moments
    if now_s - attempt.published_s >= patience_s:
        return Publish(raise_bid=bool(attempt.variants) and not attempt.nonce_too_low)
    return Wait()
