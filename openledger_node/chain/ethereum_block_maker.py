"""Where the embedded L1's blocks come from: a block each interval, with random prevRandao.

Covered: block time, fee recipient, the parent's gas limit kept. Not covered: consensus; it is a chain of one.
"""

import secrets
from collections.abc import Callable

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.chain.chain import Chain
from openledger_node.clock import Clock
from openledger_node.evm.records import BlockInputs
from sequencer.ports import Lane, OpenBlock


class EthereumBlockMaker:
    """Implements `sequencer.ports.BlockMaker` for a plain Ethereum chain; `random` gives 32 bytes."""

    def __init__(
        self,
        chain: Chain,
        lane: Lane,
        clock: Clock,
        *,
        block_time_s: int,
        fee_recipient: Address,
        random: Callable[[], bytes] = lambda: secrets.token_bytes(32),
    ) -> None:
        self._chain = chain
        self._lane = lane
        self._clock = clock
        self._block_time_s = block_time_s
        self._fee_recipient = fee_recipient
        self._random = random

    def next_due_s(self) -> float:
        """Unix time at which the block on the head is due."""
        return self._chain.head.header.timestamp_s + self._block_time_s

    async def open_block(self) -> OpenBlock | None:
        """See `sequencer.ports.BlockMaker`."""
        if self._clock.now_s() < self.next_due_s():
            return None
        inputs = self._inputs()
        return await self._lane.run(lambda: self._chain.open_block(inputs))

    def _inputs(self) -> BlockInputs:
        """A late block carries the time it is built at, so a chain that slept does not catch up."""
        parent = self._chain.head.header
        return BlockInputs(
            timestamp_s=max(parent.timestamp_s + 1, int(self._clock.now_s())),
            prev_randao=Hash32(self._random()),
            fee_recipient=self._fee_recipient,
            gas_limit=parent.gas_limit,
            parent_beacon_block_root=keccak256(parent.hash),
        )
