"""A block under construction on the head, as the sequencer sees it."""

from collections.abc import Callable
from dataclasses import replace

from genesis.types import Hash32
from openledger_node.errors import CriticalError
from openledger_node.evm.engine import Engine
from openledger_node.evm.errors import InvalidBlockError, TransactionError
from openledger_node.evm.records import DEPOSIT_TYPE, BlockInputs, ExecutedBlock, Header
from sequencer.ports import Included, Rejected

TRANSACTION_TIME_LIMIT_S = 10.0
"""A pooled transaction that runs longer is dropped: it would stall every node that imports the block."""


class HeadBlock:
    """Implements `sequencer.ports.OpenBlock`. `accept` stores a sealed block; it raises if the head moved."""

    def __init__(
        self,
        engine: Engine,
        parent: Header,
        state_root: Hash32,
        inputs: BlockInputs,
        accept: Callable[[ExecutedBlock], None],
    ) -> None:
        """Raises `InvalidBlockError` if a forced transaction is invalid."""
        self._engine = engine
        self._parent = parent
        self._state_root = state_root
        self._inputs = inputs
        self._accept = accept
        self._included: list[bytes] = []
        self._execution = engine.begin_block(parent, inputs, state_root)
        for raw in inputs.transactions:
            self._force(raw)

    def _force(self, raw: bytes) -> None:
        try:
            self._execution.add(raw)
        except TransactionError as error:
            raise InvalidBlockError(f"a forced transaction is invalid: {error.cause}") from error
        self._included.append(raw)

    @property
    def gas_remaining(self) -> int:
        return self._execution.gas_remaining

    @property
    def base_fee_wei(self) -> int:
        return self._execution.context.base_fee_wei

    def try_transaction(self, raw: bytes) -> Included | Rejected:
        """A rejected transaction leaves no trace. Deposits come from L1 only: whoever else brings one is
        refused, also past the pool's own check."""
        if raw[:1] == bytes((DEPOSIT_TYPE,)):
            return Rejected("transaction type not supported", True)
        if not self._execution.has_room_for(raw):
            return Rejected("block size limit reached", False)
        try:
            receipt = self._execution.add(raw, time_limit_s=TRANSACTION_TIME_LIMIT_S)
        except TransactionError as error:
            return Rejected(error.cause, error.permanent)
        self._included.append(raw)
        return Included(receipt.gas_used)

    def seal(self) -> Hash32:
        """Seal, execute again from the parent, and store only if both agree."""
        sealed = self._execution.seal().block.header
        inputs = replace(self._inputs, transactions=tuple(self._included))
        again = self._engine.execute_block(self._parent, inputs, self._state_root)
        if again.block.header.hash != sealed.hash:
            raise CriticalError(
                f"block {sealed.number} was built as 0x{sealed.hash.hex()} "
                f"but executes to 0x{again.block.header.hash.hex()}"
            )
        self._accept(again)
        return sealed.hash

    def abandon(self) -> None:
        """Nothing was stored, so nothing is left behind."""
        self._included.clear()
