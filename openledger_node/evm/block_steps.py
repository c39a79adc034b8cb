"""What one step of a block does, from a state to the next: begin, one transaction, or seal.

A block of n transactions has n + 2 steps: 0 begins it (system calls), 1 to n run its transactions, n + 1
seals it. Each reads only what its `Rules` hold, so that a step runs on a node's store and on a witness alike.

Covered: the claim between two steps, the commitment to a block's inputs. Not covered: whether the inputs are
those of the L1 (derivation), who asks (rollup_bridge.challenger).
Source: design, protocol section 4.4.
"""

from dataclasses import dataclass
from functools import cached_property

from genesis.addresses import L2_TO_L1_MESSAGE_PASSER
from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.evm.account_leaf import NO_ACCOUNT, read_account
from openledger_node.evm.block_building import BlockExecution, Progress, Rules, StateWrites
from openledger_node.evm.errors import InvalidBlockError, TransactionError
from openledger_node.evm.node_store import OverlayNodes
from openledger_node.evm.receipts import decode_receipt, encode_receipt
from openledger_node.evm.records import Block, BlockInputs, Header, Withdrawal
from openledger_node.evm.rlp_codec import Item, RlpError, encode, to_bytes, to_fixed, to_list, to_uint, uint
from openledger_node.evm.transactions import decode_transaction
from openledger_node.evm.trie import EMPTY_ROOT, ordered_root
from openledger_node.storage import keys

_WORD_BYTES = 32


class StepError(Exception):
    """The step leads nowhere: what it needs is missing, or it is not valid there."""


@dataclass(frozen=True, slots=True)
class StepState:
    """Where a block stands between two steps."""

    state_root: Hash32
    cumulative_gas: int
    receipts_root: Hash32

    @property
    def claim(self) -> Hash32:
        gas = self.cumulative_gas.to_bytes(_WORD_BYTES, "big")
        return keccak256(self.state_root + gas + self.receipts_root)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What sealing makes: all that an output root is a hash of."""

    header: Header
    message_passer_root: Hash32


@dataclass(frozen=True)
class Opening:
    """A block's inputs with its transactions as the root of their trie; `hash` commits to all of it."""

    parent_hash: Hash32
    timestamp_s: int
    prev_randao: Hash32
    fee_recipient: Address
    gas_limit: int
    parent_beacon_block_root: Hash32
    extra_data: bytes
    transactions_root: Hash32
    transaction_count: int
    withdrawals: tuple[Withdrawal, ...] = ()

    @classmethod
    def decode(cls, items: list[Item]) -> "Opening":
        """Raises `RlpError`."""
        if len(items) != 10:
            raise RlpError(f"rlp: expected ten fields of a block's inputs, got {len(items)}")
        return cls(
            parent_hash=_hash(items[0]),
            timestamp_s=to_uint(items[1], 64),
            prev_randao=_hash(items[2]),
            fee_recipient=Address(to_fixed(items[3], 20)),
            gas_limit=to_uint(items[4], 64),
            parent_beacon_block_root=_hash(items[5]),
            extra_data=to_bytes(items[6]),
            transactions_root=_hash(items[7]),
            transaction_count=to_uint(items[8], 32),
            withdrawals=tuple(_withdrawal(to_list(item)) for item in to_list(items[9])),
        )

    @property
    def items(self) -> list[Item]:
        """As RLP has them."""
        return [
            self.parent_hash,
            uint(self.timestamp_s),
            self.prev_randao,
            self.fee_recipient,
            uint(self.gas_limit),
            self.parent_beacon_block_root,
            self.extra_data,
            self.transactions_root,
            uint(self.transaction_count),
            [
                [uint(w.index), uint(w.validator_index), w.address, uint(w.amount_gwei)]
                for w in self.withdrawals
            ],
        ]

    @cached_property
    def hash(self) -> Hash32:
        return keccak256(encode(self.items))

    @property
    def inputs(self) -> BlockInputs:
        """Without the transactions, which are under their root."""
        return BlockInputs(
            timestamp_s=self.timestamp_s,
            prev_randao=self.prev_randao,
            fee_recipient=self.fee_recipient,
            gas_limit=self.gas_limit,
            parent_beacon_block_root=self.parent_beacon_block_root,
            extra_data=self.extra_data,
            withdrawals=self.withdrawals,
        )


def begin(rules: Rules, parent: Header, opening: Opening) -> tuple[StepState, StateWrites]:
    """Step 0. Raises `StepError`."""
    try:
        execution = BlockExecution.open(rules, parent, parent.state_root, opening.inputs)
    except InvalidBlockError as error:
        raise StepError(error.cause) from None
    state_root, writes = execution.state_so_far()
    return StepState(state_root, 0, EMPTY_ROOT), writes


def run_transaction(
    rules: Rules, parent: Header, opening: Opening, before: StepState, number: int
) -> tuple[StepState, StateWrites]:
    """Step `number`, from 1 to the count of transactions. Raises `StepError`."""
    key = encode(uint(number - 1))
    raw = rules.nodes.trie(opening.transactions_root).get(key)
    if raw is None:
        raise StepError(f"the block has no transaction {number}")
    try:
        so_far = Progress(before.cumulative_gas)
        execution = BlockExecution.resume(rules, parent, before.state_root, opening.inputs, so_far)
        receipt = execution.add(raw)
    except (TransactionError, InvalidBlockError) as error:
        raise StepError(error.cause) from None
    state_root, writes = execution.state_so_far()
    receipts = rules.nodes.trie(before.receipts_root)
    receipts.set(key, encode_receipt(raw[0] if raw[0] < 0x80 else 0, receipt))
    new_nodes: dict[bytes, bytes] = {}
    receipts_root = receipts.commit(new_nodes)
    after = StepState(state_root, receipt.cumulative_gas_used, receipts_root)
    return after, (*writes, *((keys.node(node_hash), node) for node_hash, node in new_nodes.items()))


def seal(rules: Rules, parent: Header, opening: Opening, before: StepState) -> Sealed:
    """The last step. Raises `StepError`."""
    try:
        so_far = _progress(rules, opening, before)
        execution = BlockExecution.resume(rules, parent, before.state_root, opening.inputs, so_far)
        executed = execution.seal()
    except (TransactionError, InvalidBlockError) as error:
        raise StepError(error.cause) from None
    header = executed.block.header
    after = OverlayNodes(rules.nodes)
    after.add(executed.state_writes)
    passer = read_account(after, header.state_root, L2_TO_L1_MESSAGE_PASSER) or NO_ACCOUNT
    return Sealed(header, passer.storage_root)


def _progress(rules: Rules, opening: Opening, before: StepState) -> Progress:
    """All transactions and receipts, out of their tries. Raises `StepError`, `TransactionError`."""
    transactions, receipts = [], []
    raws = rules.nodes.trie(opening.transactions_root)
    encoded = rules.nodes.trie(before.receipts_root)
    for index in range(opening.transaction_count):
        key = encode(uint(index))
        raw, receipt = raws.get(key), encoded.get(key)
        if raw is None or receipt is None:
            raise StepError(f"transaction {index + 1} or its receipt is missing")
        transactions.append(decode_transaction(raw, rules.spec.chain_id, impersonation=rules.impersonation))
        receipts.append(decode_receipt(receipt))
    return Progress(before.cumulative_gas, tuple(transactions), tuple(receipts))


def opening_of(parent: Header, block: Block) -> Opening:
    """The opening of a block that exists. Only blocks after the merge have steps."""
    assert not block.header.difficulty, "blocks with work have no steps"
    raws = tuple(transaction.raw for transaction in block.transactions)
    header = block.header
    return Opening(
        parent_hash=parent.hash,
        timestamp_s=header.timestamp_s,
        prev_randao=header.prev_randao,
        fee_recipient=header.coinbase,
        gas_limit=header.gas_limit,
        parent_beacon_block_root=header.parent_beacon_block_root,
        extra_data=header.extra_data,
        transactions_root=ordered_root(raws),
        transaction_count=len(raws),
        withdrawals=block.withdrawals,
    )


def _hash(item: Item) -> Hash32:
    return Hash32(to_fixed(item, 32))


def _withdrawal(items: list[Item]) -> Withdrawal:
    if len(items) != 4:
        raise RlpError("rlp: expected four withdrawal fields")
    return Withdrawal(
        to_uint(items[0], 64), to_uint(items[1], 64), Address(to_fixed(items[2], 20)), to_uint(items[3], 64)
    )
