"""Fill an open block from the pool's candidates.

Covered: best offers first, nonces in order, gas and time budget, permanent rejections told from temporary.
Not covered: forced transactions (the block maker has put them in), sealing and re-execution (the engine).
"""

from dataclasses import dataclass

from sequencer.builder.budget import Budget
from sequencer.mempool.ordering import Candidates
from sequencer.ports import Included, OpenBlock, PooledTransaction


@dataclass(frozen=True, slots=True)
class Refusal:
    transaction: PooledTransaction
    reason: str


@dataclass(frozen=True, slots=True)
class Filled:
    """`dropped` can never run and leaves the pool; whatever is in neither list stays there."""

    included: tuple[PooledTransaction, ...]
    dropped: tuple[Refusal, ...]


def fill_block(block: OpenBlock, candidates: Candidates, budget: Budget) -> Filled:
    """Run candidates until none is left or the budget is spent."""
    included: list[PooledTransaction] = []
    dropped: list[Refusal] = []
    while not budget.is_spent(block.gas_remaining):
        transaction = candidates.next()
        if transaction is None:
            break
        if transaction.gas > block.gas_remaining:
            budget.missed()
            continue
        answer = block.try_transaction(transaction.raw)
        if isinstance(answer, Included):
            included.append(transaction)
            candidates.advance(transaction.sender)
        elif answer.permanent:
            dropped.append(Refusal(transaction, answer.reason))
    return Filled(tuple(included), tuple(dropped))
