"""What the first block of a chain is: deterministic from rules, allocation and time."""

from genesis.forks import Fork, ForkSchedule, schedule_of
from genesis.spec import ChainSpec
from genesis.types import ZERO_ADDRESS, ZERO_HASH, Hash32
from openledger_node.chain.block_store import BlockStore, Puts, canonical_entries
from openledger_node.chain.heads import head_entries, id_of
from openledger_node.chain.records import Heads
from openledger_node.evm.allocation import Allocation, materialise
from openledger_node.evm.blocks import EMPTY_OMMERS_HASH, NO_REQUESTS_HASH, ZERO_NONCE, sealed
from openledger_node.evm.receipts import EMPTY_BLOOM
from openledger_node.evm.records import Block, ExecutedBlock, Header, SupplyChange
from openledger_node.evm.trie import EMPTY_ROOT
from openledger_node.storage.identity import identity_entry


def genesis_header(spec: ChainSpec, allocation: Allocation, timestamp_s: int) -> Header:
    """Header of the first block."""
    return genesis_block(spec, allocation, timestamp_s).block.header


def genesis_block(
    spec: ChainSpec, allocation: Allocation, timestamp_s: int, schedule: ForkSchedule | None = None
) -> ExecutedBlock:
    """The first block and its state. Raises `ValueError` for a fork this build does not know."""
    state_root, writes = materialise(allocation)
    fork = (schedule or schedule_of(spec)).at(timestamp_s)
    header = sealed(
        Header(
            parent_hash=ZERO_HASH,
            ommers_hash=EMPTY_OMMERS_HASH,
            coinbase=ZERO_ADDRESS,
            state_root=state_root,
            transactions_root=EMPTY_ROOT,
            receipts_root=EMPTY_ROOT,
            bloom=EMPTY_BLOOM,
            difficulty=0,
            number=0,
            gas_limit=spec.block_gas_limit,
            gas_used=0,
            timestamp_s=timestamp_s,
            extra_data=b"",
            prev_randao=ZERO_HASH,
            nonce=ZERO_NONCE,
            base_fee_wei=spec.fees.initial_base_fee_wei,
            withdrawals_root=EMPTY_ROOT,
            blob_gas_used=0,
            excess_blob_gas=0,
            parent_beacon_block_root=ZERO_HASH,
            requests_hash=NO_REQUESTS_HASH if fork >= Fork.PRAGUE else Hash32(b""),
            hash=Hash32(b""),
            rlp=b"",
        )
    )
    return ExecutedBlock(Block(header, (), (), SupplyChange(0, 0)), writes)


def genesis_supply_wei(allocation: Allocation) -> int:
    """The sum of all balances of an allocation."""
    return sum(account.balance_wei for account in allocation.values())


def genesis_entries(blocks: BlockStore, genesis: ExecutedBlock, chain_id: int) -> Puts:
    """What an empty store gets: the first block, its state, three heads, and whose chain this is."""
    block = genesis.block
    start = id_of(block.header)
    return [
        *genesis.state_writes,
        *blocks.block_entries(block),
        *canonical_entries(block),
        *head_entries(Heads(start, start, start)),
        identity_entry(block.header.hash, chain_id),
    ]
