"""Is there time to prove a fault of a wide vector: what its tally takes at least, beside policy windows."""

from dataclasses import dataclass

import structlog

from genesis.commitments import BATCH_QUERY_BYTES, SUM_BYTES
from genesis.policy import Policy
from openledger_node.client.economy import EconomyReader
from openledger_node.client.ethereum import Ethereum
from precompiles.scores import MAXIMUM_DIMENSIONS_ON_CHAIN

CALLDATA_GAS = 40
"""Most that a byte of calldata costs: EIP-7623's floor."""
BLOCKS_BESIDES = 2
"""One for the commitment, one for the proof."""
SPARE = 5
"""How many times the least a window should be: documents are read first, blocks are full or late."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a chain takes transactions, at its newest block."""

    now_s: int
    block_s: int
    block_gas: int

    def dispute_s(self, tallied_bytes: int) -> int:
        """Seconds from a commitment to a proof if every block has room for the tally alone."""
        blocks = -(-tallied_bytes * CALLDATA_GAS // self.block_gas) + BLOCKS_BESIDES
        return blocks * self.block_s


async def pace(ethereum: Ethereum) -> Pace:
    """Of the newest block and the one before it."""
    newest = await ethereum.block()
    number, now_s = int(newest["number"], 16), int(newest["timestamp"], 16)
    before_s = int((await ethereum.block(max(0, number - 1)))["timestamp"], 16)
    return Pace(now_s, max(1, now_s - before_s), int(newest["gasLimit"], 16))


def short_windows(policy: Policy, dimensions: int, found: Pace) -> str:
    """Which of a policy's windows are short for disputes over vectors so wide; "" where none is."""
    if dimensions <= MAXIMUM_DIMENSIONS_ON_CHAIN:
        return ""
    least_s = SPARE * found.dispute_s(dimensions * (SUM_BYTES + BATCH_QUERY_BYTES))
    windows = {"index_window_s": policy.index_window_s, "post_window_s": policy.post_window_s}
    short = [
        f"{name} + challenge_reveal_s = {window_s + policy.challenge_reveal_s}"
        for name, window_s in windows.items()
        if window_s + policy.challenge_reveal_s < least_s
    ]
    return f"{', '.join(short)}; at least {least_s} is safe" if short else ""


async def warn_of_short_windows(reader: EconomyReader, index_id: int, dimensions: int) -> None:
    """One line in the log where a wrong score or norm of an index might not be proved in time."""
    _, policy = await reader.current_policy()
    short = short_windows(policy, dimensions, await pace(reader.ethereum))
    if short:
        log.warning(
            "windows are too short to be sure of proving a wrong score of this index",
            index=index_id,
            dimensions=dimensions,
            windows=short,
            remedy="longer ones by `governance propose --parameter`, see docs/challenges.md",
        )
