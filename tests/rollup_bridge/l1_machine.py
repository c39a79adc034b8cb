"""The real L1 contracts in a bare EVM, behind the bridge's ports."""

from genesis.spec import BlockId
from genesis.types import Address, Hash32
from rollup_bridge.errors import TransactionError
from rollup_bridge.ports import BlockTag, L1Block, L1Inclusion, L1Log
from tests.contracts.machine import READER
from tests.contracts.rollup import Rollup


class MachineL1:
    """Implements L1Contracts, TransactionSender, and of L1Source the head. Each transaction is a block."""

    def __init__(self, rollup: Rollup, sender: Address) -> None:
        self.rollup = rollup
        self._sender = sender
        self.seconds_per_transaction = 1

    @property
    def address(self) -> Address:
        return self._sender

    async def call(self, to: Address, data: bytes) -> bytes:
        with self.rollup.machine.rolled_back():
            outcome = self.rollup.machine.transact(READER, to, data)
        if not outcome.ok:
            raise TransactionError(f"reverted: {outcome.output.hex()}")
        return outcome.output

    async def send(
        self,
        to: Address,
        data: bytes,
        *,
        value_wei: int = 0,
        gas: int | None = None,
        blobs: tuple[bytes, ...] = (),
    ) -> L1Inclusion:
        outcome = self.rollup.machine.transact(self._sender, to, data, value_wei, gas=gas or 25_000_000)
        logs = tuple(
            L1Log(log.address, tuple(Hash32(topic) for topic in log.topics), log.data) for log in outcome.logs
        )
        block = BlockId(Hash32(bytes(32)), self.rollup.machine.block_number)
        if self.seconds_per_transaction:
            self.rollup.machine.advance(self.seconds_per_transaction)
        return L1Inclusion(Hash32(bytes(32)), block, outcome.ok, outcome.gas_used, outcome.gas_used, logs)

    async def block_by_tag(self, tag: BlockTag) -> L1Block | None:
        machine = self.rollup.machine
        zero = Hash32(bytes(32))
        return L1Block(zero, machine.block_number, zero, machine.now_s, 10**9, 1, zero, zero)
