"""The execution-apis test chain under our RPC: 45 blocks through every fork from Frontier to Prague.

Our engine begins at Cancun, so py-evm's own VMs import the blocks; from there on everything is ours: the
chain facade over the imported blocks and state, calls, the pool and the method table.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rlp
from eth.abc import BlockAPI
from eth.chains.base import MiningChain
from eth.consensus import NoProofConsensus
from eth.db.atomic import AtomicDB
from eth.db.backends.memory import MemoryDB
from eth.vm import forks
from rlp.codec import consume_length_prefix

from genesis.forks import Fork, ForkSchedule
from genesis.keccak import keccak256
from genesis.spec import ChainSpec, FeeParameters
from genesis.types import Address, Hash32
from openledger_node.chain.block_store import BlockStore
from openledger_node.chain.chain import Chain
from openledger_node.evm.engine import Engine
from openledger_node.evm.records import Block, Header, Log, Receipt, SupplyChange, Transaction, Withdrawal
from openledger_node.evm.transactions import decode_transaction
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import MemoryKeyValue

ABSENT = Hash32(b"")
FEES = FeeParameters(elasticity=2, denominator=8, minimum_base_fee_wei=7, initial_base_fee_wei=10**9)
CANCUN_TIME_S, PRAGUE_TIME_S = 420, 450
FIRST_BLOCKS = [
    (0, forks.HomesteadVM.configure(support_dao_fork=False, _dao_fork_block_number=2**63)),
    (3, forks.TangerineWhistleVM),
    (6, forks.SpuriousDragonVM),
    (9, forks.ByzantiumVM),
    (12, forks.ConstantinopleVM),
    (15, forks.PetersburgVM),
    (18, forks.IstanbulVM),
    (21, forks.MuirGlacierVM),
    (24, forks.BerlinVM),
    (27, forks.LondonVM),
    (30, forks.ArrowGlacierVM),
    (33, forks.GrayGlacierVM),
    (36, forks.ParisVM),
    (39, forks.ShanghaiVM),
    (CANCUN_TIME_S // 10, forks.CancunVM),
    (PRAGUE_TIME_S // 10, forks.PragueVM),
]
"""Blocks are ten seconds apart, so the time of a fork is a block number as well."""
VMS = tuple((first, vm.configure(consensus_class=NoProofConsensus)) for first, vm in FIRST_BLOCKS)


class ImportedBlocks(BlockStore):
    """Blocks as records, whatever fork they are of; the store's own layout begins at Cancun."""

    def __init__(self, store: MemoryKeyValue, chain_id: int, blocks: list[Block]) -> None:
        super().__init__(store, chain_id)
        self._blocks = blocks
        self._by_hash = {block.header.hash: block for block in blocks}
        self._places = {
            transaction.hash: (block.header.hash, index)
            for block in blocks
            for index, transaction in enumerate(block.transactions)
        }

    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        block = self.block_by_hash(block_hash)
        return None if block is None else block.header

    def block_by_hash(self, block_hash: Hash32) -> Block | None:
        return self._by_hash.get(block_hash)

    def canonical_hash(self, number: int) -> Hash32 | None:
        return self._blocks[number].header.hash if 0 <= number < len(self._blocks) else None

    def transaction_place(self, transaction_hash: Hash32) -> tuple[Hash32, int] | None:
        return self._places.get(transaction_hash)

    def blooms(self, first: int) -> Iterator[tuple[int, bytes]]:
        return ((block.header.number, block.header.bloom) for block in self._blocks[first:])


def load_chain(folder: Path) -> Chain:
    """The chain of `genesis.json` and `chain.rlp`, its last block safe and final as in `headfcu.json`."""
    genesis = json.loads((folder / "genesis.json").read_text())
    chain_id = int(genesis["config"]["chainId"])
    database = MemoryDB()
    imported = _import(genesis, chain_id, (folder / "chain.rlp").read_bytes(), database)
    blocks = [_block(block, imported, chain_id) for block in _canonical(imported)]
    store = MemoryKeyValue()
    store.write([(keys.node(key), value) for key, value in database.kv_store.items() if len(key) == 32])
    store.write([(keys.code(key), value) for key, value in database.kv_store.items() if len(key) == 32])
    head = bytes(blocks[-1].header.hash)
    store.write([(key, head) for key in (keys.UNSAFE, keys.SAFE, keys.FINALIZED)])
    spec = ChainSpec(
        chain_id=chain_id,
        is_rollup=False,
        block_gas_limit=blocks[-1].header.gas_limit,
        fees=FEES,
        has_execution_requests=True,
    )
    schedule = ForkSchedule(((0, Fork.CANCUN), (PRAGUE_TIME_S, Fork.PRAGUE)))
    known = ImportedBlocks(store, chain_id, blocks)
    return Chain(Engine(spec, store, known, {}, schedule), store, known, blocks[0], 0)


def _import(genesis: dict[str, Any], chain_id: int, encoded: bytes, database: MemoryDB) -> MiningChain:
    chain_class = MiningChain.configure("RpcCompatChain", vm_configuration=VMS, chain_id=chain_id)
    parameters = {
        "difficulty": int(genesis["difficulty"], 16),
        "gas_limit": int(genesis["gasLimit"], 16),
        "timestamp": 0,
        "extra_data": _bytes(genesis["extraData"]),
        "nonce": bytes(8),
        "mix_hash": bytes(32),
        "coinbase": bytes(20),
    }
    state = {_bytes(address): _account(account) for address, account in genesis["alloc"].items()}
    chain: MiningChain = chain_class.from_genesis(AtomicDB(database), parameters, state)
    position, number = 0, 1
    while position < len(encoded):
        _, _, length, start = consume_length_prefix(encoded, position)
        vm = next(vm for first, vm in reversed(VMS) if first <= number)
        block = rlp.decode(encoded[position : start + length], sedes=vm.get_block_class())
        chain.import_block(block, perform_validation=False)
        assert chain.get_canonical_head().hash == block.hash, f"block {number} executes to another hash"
        position, number = start + length, number + 1
    return chain


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _account(account: dict[str, Any]) -> dict[str, Any]:
    return {
        "balance": int(account.get("balance", "0"), 0),
        "nonce": int(account.get("nonce", "0"), 0),
        "code": _bytes(account.get("code", "")),
        "storage": {int(slot, 16): int(value, 16) for slot, value in account.get("storage", {}).items()},
    }


def _canonical(chain: MiningChain) -> list[BlockAPI]:
    head = chain.get_canonical_head().block_number
    return [chain.get_canonical_block_by_number(number) for number in range(head + 1)]


# --- py-evm's objects as our records ----------------------------------------------------------------------


def _block(block: BlockAPI, chain: MiningChain, chain_id: int) -> Block:
    header = _header(block.header)
    transactions = tuple(decode_transaction(item.encode(), chain_id) for item in block.transactions)
    receipts = block.get_receipts(chain.chaindb)
    withdrawals = tuple(
        Withdrawal(item.index, item.validator_index, Address(item.address), item.amount)
        for item in getattr(block, "withdrawals", ())
    )
    return Block(
        header, transactions, _receipts(header, transactions, receipts), SupplyChange(0, 0), withdrawals
    )


def _header(header: Any) -> Header:
    def of_later_fork(name: str, default: Any) -> Any:
        try:
            return getattr(header, name)
        except AttributeError:
            return default

    return Header(
        parent_hash=Hash32(header.parent_hash),
        ommers_hash=Hash32(header.uncles_hash),
        coinbase=Address(header.coinbase),
        state_root=Hash32(header.state_root),
        transactions_root=Hash32(header.transaction_root),
        receipts_root=Hash32(header.receipt_root),
        bloom=header.bloom.to_bytes(256),
        difficulty=header.difficulty,
        number=header.block_number,
        gas_limit=header.gas_limit,
        gas_used=header.gas_used,
        timestamp_s=header.timestamp,
        extra_data=header.extra_data,
        prev_randao=Hash32(header.mix_hash),
        nonce=header.nonce,
        base_fee_wei=of_later_fork("base_fee_per_gas", 0) or 0,
        withdrawals_root=Hash32(of_later_fork("withdrawals_root", ABSENT) or ABSENT),
        blob_gas_used=of_later_fork("blob_gas_used", 0) or 0,
        excess_blob_gas=of_later_fork("excess_blob_gas", 0) or 0,
        parent_beacon_block_root=Hash32(of_later_fork("parent_beacon_block_root", ABSENT) or ABSENT),
        requests_hash=Hash32(of_later_fork("requests_hash", ABSENT) or ABSENT),
        hash=Hash32(header.hash),
        rlp=rlp.encode(header),
    )


def _receipts(header: Header, transactions: tuple[Transaction, ...], found: Any) -> tuple[Receipt, ...]:
    receipts = []
    gas_before = 0
    for transaction, item in zip(transactions, found, strict=True):
        tip_wei = min(transaction.max_priority_fee_wei, transaction.max_fee_wei - header.base_fee_wei)
        receipts.append(
            Receipt(
                succeeded=item.state_root == b"\x01",
                gas_used=item.gas_used - gas_before,
                cumulative_gas_used=item.gas_used,
                effective_gas_price_wei=header.base_fee_wei + tip_wei,
                logs=tuple(
                    Log(Address(log.address), tuple(Hash32(t.to_bytes(32)) for t in log.topics), log.data)
                    for log in item.logs
                ),
                bloom=item.bloom.to_bytes(256),
                contract_address=_created(transaction),
            )
        )
        gas_before = item.gas_used
    return tuple(receipts)


def _created(transaction: Transaction) -> Address | None:
    if transaction.to is not None:
        return None
    nonce = transaction.nonce.to_bytes((transaction.nonce.bit_length() + 7) // 8)
    return Address(keccak256(rlp.encode([transaction.sender, nonce]))[12:])
