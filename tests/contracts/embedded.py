"""Our own engine behind the test machine's interface: real blocks and headers, several times faster.

Every transaction is a block; `advance` moves the clock and mines one, as the machine's does.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from genesis.account import GenesisAccount
from genesis.addresses import HISTORY_STORAGE
from genesis.keccak import keccak256
from genesis.spec import ChainSpec, FeeParameters
from genesis.types import Address, Hash32
from openledger_node.chain.chain import Chain
from openledger_node.evm.impersonation import mark_of
from openledger_node.evm.records import Block, BlockInputs, CallRequest
from openledger_node.evm.rlp_codec import encode, uint
from openledger_node.storage.keyvalue import MemoryKeyValue
from rollup_bridge.deploy import contract_address
from rollup_bridge.ports import L1Block, L1Log, L1Receipt
from tests.contracts.machine import GAS, START_S, Log, Machine, Outcome
from tests.evm.world import HISTORY_CODE

_FREE = FeeParameters(elasticity=2, denominator=8, minimum_base_fee_wei=0, initial_base_fee_wei=0)
_SPEC = ChainSpec(31337, is_rollup=False, block_gas_limit=60_000_000, fees=_FREE)


class _State:
    """The few questions about state that tests ask of a machine."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def get_nonce(self, account: Address) -> int:
        return self._chain.snapshot().account(account).nonce


class EmbeddedMachine(Machine):
    """A machine that is a chain."""

    def __init__(self, first_block: int = 0) -> None:
        accounts = {HISTORY_STORAGE: GenesisAccount(nonce=1, code=HISTORY_CODE)}
        self.chain = Chain.open(_SPEC, MemoryKeyValue(), accounts, START_S - first_block)
        self.chain.engine.allow_impersonation()
        self.state = _State(self.chain)
        self._now_s = START_S - first_block + 1
        self._is_reading = False
        for _ in range(first_block):
            self.advance(1)

    @property
    def now_s(self) -> int:
        return self._now_s

    @property
    def block_number(self) -> int:
        """Of the block to come."""
        return self.chain.head.header.number + 1

    def advance(self, seconds: int, blocks: int = 1) -> None:
        self._now_s += max(seconds - blocks, 0)
        for _ in range(blocks):
            self.mine()

    def mine(self, *transactions: bytes) -> Block:
        """A block with these transactions; the next one is a second later."""
        timestamp_s = max(self._now_s, self.chain.head.header.timestamp_s + 1)
        number = self.block_number
        block = self.chain.import_block(
            BlockInputs(
                timestamp_s=timestamp_s,
                prev_randao=keccak256(b"randao%d" % number),
                fee_recipient=Address(b"\xc0" * 20),
                gas_limit=_SPEC.block_gas_limit,
                parent_beacon_block_root=Hash32(bytes(32)),
                transactions=transactions,
            )
        )
        self._now_s = timestamp_s + 1
        return block

    def l1_block(self, number: int | None) -> L1Block:
        """The block at a height, or the head."""
        header = self.chain.head.header if number is None else self.chain.header_by_number(number)
        assert header is not None
        return L1Block(
            hash=header.hash,
            number=header.number,
            parent_hash=header.parent_hash,
            timestamp_s=header.timestamp_s,
            base_fee_wei=header.base_fee_wei,
            blob_base_fee_wei=1,
            prev_randao=header.prev_randao,
            parent_beacon_block_root=header.parent_beacon_block_root,
        )

    def header_rlp(self, number: int) -> bytes:
        header = self.chain.header_by_number(number)
        assert header is not None
        return header.rlp

    def receipts(self, block_hash: Hash32) -> tuple[L1Receipt, ...]:
        block = self.chain.block_by_hash(block_hash)
        assert block is not None
        return tuple(
            L1Receipt(
                transaction.hash,
                receipt.succeeded,
                tuple(L1Log(log.address, log.topics, log.data) for log in receipt.logs),
            )
            for transaction, receipt in zip(block.transactions, block.receipts, strict=True)
        )

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        """Inside, transactions are calls in the head's place, as a node answers them."""
        before, self._is_reading = self._is_reading, True
        try:
            yield
        finally:
            self._is_reading = before

    def transact(
        self,
        sender: Address,
        to: Address | None,
        data: bytes = b"",
        value: int = 0,
        *,
        gas: int = GAS,
        origin: Address | None = None,
    ) -> Outcome:
        """See `Machine.transact`; no call by a contract here."""
        assert origin is None
        if self._is_reading:
            return self._call(sender, to, data, gas)
        nonce = self.state.get_nonce(sender)
        r, s = mark_of(sender)
        numbers = (uint(number) for number in (_SPEC.chain_id * 2 + 35, r, s))
        raw = encode([uint(nonce), b"", uint(gas), to or b"", uint(value), data, *numbers])
        receipt = self.mine(raw).receipts[0]
        return Outcome(
            ok=receipt.succeeded,
            output=b"",
            logs=tuple(Log(log.address, log.topics, log.data) for log in receipt.logs),
            gas_used=receipt.gas_used,
            created=contract_address(sender, nonce) if to is None else None,
        )

    def _call(self, sender: Address, to: Address | None, data: bytes, gas: int) -> Outcome:
        request = CallRequest(sender=sender, to=to, gas=gas, data=data)
        result = self.chain.snapshot().call(request)
        logs = tuple(Log(log.address, log.topics, log.data) for log in result.logs)
        return Outcome(result.error is None, result.output, logs, result.gas_used)
