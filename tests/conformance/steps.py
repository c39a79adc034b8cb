"""Every block of a case, run again step by step, each step by an engine that has its witness only."""

from collections.abc import Sequence

from openledger_node.evm.block_steps import Sealed, StepError, StepState
from openledger_node.evm.engine import Engine
from openledger_node.evm.receipts import encode_receipt
from openledger_node.evm.records import Block, Header
from openledger_node.evm.step_witness import StepWitness
from openledger_node.evm.trie import ordered_root


def objections(engine: Engine, parent: Header, block: Block) -> Sequence[str]:
    """Where steps and the block executed as a whole part ways."""
    steps = engine.steps(parent, block)
    if steps.opening.transactions_root != block.header.transactions_root:
        return ["the opening commits to other transactions"]
    found = []
    for number in range(len(steps.states) + 1):
        encoded = steps.witness(number).encode()
        try:
            result = engine.run_step(StepWitness.decode(encoded), number)
        except StepError as error:
            return [f"step {number}: {error}"]
        found += [f"step {number}: {text}" for text in _differences(result, block, number, steps.states)]
    return found


def _differences(
    result: StepState | Sealed, block: Block, number: int, states: tuple[StepState, ...]
) -> list[str]:
    if isinstance(result, Sealed):
        is_same = result.header.hash == block.header.hash
        return [] if is_same else ["sealing makes another header"]
    found = [] if result.claim == states[number].claim else ["the witness leads to another claim"]
    pairs = list(zip(block.transactions, block.receipts, strict=True))[:number]
    receipts = [encode_receipt(transaction.type, receipt) for transaction, receipt in pairs]
    gas = block.receipts[number - 1].cumulative_gas_used if number else 0
    if result.cumulative_gas != gas:
        found.append(f"gas {result.cumulative_gas}, executed {gas}")
    if result.receipts_root != ordered_root(receipts):
        found.append("another receipts root")
    return found
