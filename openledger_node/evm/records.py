"""What the engine speaks: blocks, transactions and receipts as frozen records of bytes and ints.

No py-evm object leaves this room; callers see only these.
"""

from dataclasses import dataclass, field

from genesis import account
from genesis.types import Address, Hash32
from openledger_node.evm.trie import NodeChanges

DEPOSIT_TYPE = 0x7E


@dataclass(frozen=True, slots=True)
class Header:
    """A sealed block's header. Source: execution-specs, Prague `Header`."""

    parent_hash: Hash32
    ommers_hash: Hash32
    coinbase: Address
    state_root: Hash32
    transactions_root: Hash32
    receipts_root: Hash32
    bloom: bytes
    difficulty: int
    number: int
    gas_limit: int
    gas_used: int
    timestamp_s: int
    extra_data: bytes
    prev_randao: Hash32
    nonce: bytes
    base_fee_wei: int
    withdrawals_root: Hash32
    blob_gas_used: int
    excess_blob_gas: int
    parent_beacon_block_root: Hash32
    requests_hash: Hash32
    hash: Hash32
    rlp: bytes = field(repr=False)
    has_base_fee: bool = True
    """False before London, where `base_fee_wei` is 0. Hashes of later forks are empty in older headers."""


@dataclass(frozen=True, slots=True)
class AccessListEntry:
    address: Address
    slots: tuple[Hash32, ...]


@dataclass(frozen=True, slots=True)
class Authorization:
    """One EIP-7702 authorization tuple."""

    chain_id: int
    address: Address
    nonce: int
    y_parity: int
    r: int
    s: int


@dataclass(frozen=True, slots=True)
class DepositFields:
    """What only a 0x7E transaction carries. Source: OP Stack specification, Deposits."""

    source_hash: Hash32
    mint_wei: int
    is_system: bool


@dataclass(frozen=True, slots=True)
class Transaction:
    """A decoded transaction of any type with its recovered sender; `raw` is its canonical encoding.

    `to` is None for a creation. Legacy and access-list transactions carry their gas price in both fee fields.
    """

    type: int
    hash: Hash32
    raw: bytes = field(repr=False)
    sender: Address
    to: Address | None
    nonce: int
    gas: int
    value_wei: int
    data: bytes
    chain_id: int | None
    max_fee_wei: int
    max_priority_fee_wei: int
    v: int
    r: int
    s: int
    access_list: tuple[AccessListEntry, ...] = ()
    max_blob_fee_wei: int = 0
    blob_hashes: tuple[Hash32, ...] = ()
    authorizations: tuple[Authorization, ...] = ()
    deposit: DepositFields | None = None


@dataclass(frozen=True, slots=True)
class Log:
    address: Address
    topics: tuple[Hash32, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class L1Fee:
    """What a rollup transaction paid for its L1 data. Source: OP Stack specification, Fjord."""

    fee_wei: int
    gas_used: int
    base_fee_wei: int
    blob_base_fee_wei: int
    base_fee_scalar: int
    blob_base_fee_scalar: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """`succeeded` is the status bit; `deposit_nonce` is the sender's nonce before a deposit ran."""

    succeeded: bool
    gas_used: int
    cumulative_gas_used: int
    effective_gas_price_wei: int
    logs: tuple[Log, ...]
    bloom: bytes
    contract_address: Address | None = None
    deposit_nonce: int | None = None
    l1_fee: L1Fee | None = None
    state_root: Hash32 | None = None
    """After the transaction; before Byzantium, in place of the status."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A payment from the consensus layer (EIP-4895); a rollup has none. The amount is in gwei."""

    index: int
    validator_index: int
    address: Address
    amount_gwei: int


@dataclass(frozen=True, slots=True)
class SupplyChange:
    """How a block changed the sum of all balances: minted by deposits and withdrawals, burned by the rest."""

    minted_wei: int
    burned_wei: int


@dataclass(frozen=True, slots=True)
class Block:
    """A sealed block with everything its execution produced; `receipts[i]` belongs to `transactions[i]`."""

    header: Header
    transactions: tuple[Transaction, ...]
    receipts: tuple[Receipt, ...]
    supply_change: SupplyChange
    withdrawals: tuple[Withdrawal, ...] = ()
    ommers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """What only a block before the merge carries."""

    difficulty: int
    nonce: bytes
    ommers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockInputs:
    """What decides a block besides its parent: derived from L1 on a rollup, chosen by the miner on the L1."""

    timestamp_s: int
    prev_randao: Hash32
    fee_recipient: Address
    gas_limit: int
    parent_beacon_block_root: Hash32
    transactions: tuple[bytes, ...] = ()
    extra_data: bytes = b""
    withdrawals: tuple[Withdrawal, ...] = ()
    """Only on Ethereum."""
    work: Work | None = None
    """Only on Ethereum, before the merge."""
    base_fee_wei: int | None = None
    """Only on a development chain: instead of what follows from the parent."""


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A message to run without a transaction. Fees None means free."""

    sender: Address
    to: Address | None
    gas: int
    value_wei: int = 0
    data: bytes = b""
    gas_price_wei: int | None = None
    access_list: tuple[AccessListEntry, ...] = ()
    authorizations: tuple[Authorization, ...] = ()
    blob_hashes: tuple[Hash32, ...] = ()
    max_blob_fee_wei: int = 0
    """Zero for blobs that are free as well."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """`error` is None on success, "execution reverted" on a revert (`output` its data), else the halt."""

    output: bytes
    gas_used: int
    error: str | None
    logs: tuple[Log, ...] = ()


@dataclass(frozen=True, slots=True)
class StorageProof:
    slot: int
    value: int
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AccountProof:
    """EIP-1186."""

    address: Address
    nonce: int
    balance_wei: int
    storage_root: Hash32
    code_hash: Hash32
    nodes: tuple[bytes, ...]
    storage: tuple[StorageProof, ...]


GenesisAccount = account.GenesisAccount


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """An account as its leaf in the state trie says; `code` in full. A missing account has all defaults."""

    nonce: int
    balance_wei: int
    code: bytes
    code_hash: Hash32
    storage_root: Hash32
    exists: bool


@dataclass(frozen=True, slots=True)
class AccountOverride:
    """What a call pretends about one account (geth's state override). None leaves a field as it is.

    `storage` replaces all of the account's storage, `storage_changes` only the given slots. A precompile that
    is overridden is one no longer; `move_precompile_to` lets it go on at another address.
    """

    nonce: int | None = None
    balance_wei: int | None = None
    code: bytes | None = None
    storage: dict[int, int] | None = None
    storage_changes: dict[int, int] = field(default_factory=dict)
    move_precompile_to: Address | None = None


@dataclass(frozen=True, slots=True)
class BlockOverride:
    """What a call pretends about its block. None leaves a field as the header has it."""

    number: int | None = None
    timestamp_s: int | None = None
    gas_limit: int | None = None
    fee_recipient: Address | None = None
    prev_randao: Hash32 | None = None
    base_fee_wei: int | None = None
    blob_base_fee_wei: int | None = None


@dataclass(frozen=True, slots=True)
class ExecutedBlock:
    """A block and the new trie nodes and codes (key, value) that make its state readable, not yet stored."""

    block: Block
    state_writes: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    requests: tuple[bytes, ...] = ()
    """To the consensus layer; only on Ethereum."""
    node_changes: NodeChanges = field(default_factory=NodeChanges, repr=False)
    """Which trie nodes the state names that its parent did not, and the other way round. Storage of an
    account that was destroyed is not among them."""
