"""The chain: what it answers about itself, how it goes back, and what it keeps across restarts."""

from pathlib import Path

import pytest

from genesis.spec import ChainSpec
from genesis.types import Address, Hash32
from openledger_node.chain.chain import Chain
from openledger_node.chain.records import HeadChange, LogQuery
from openledger_node.errors import StartError
from openledger_node.evm.blocks import encode_block
from openledger_node.evm.errors import InvalidBlockError
from openledger_node.evm.records import AccountOverride, Block
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import MemoryKeyValue
from openledger_node.storage.leveldb import LevelDb
from sequencer.errors import StaleParentError
from tests.evm import world
from tests.evm.world import ALICE, BOB, ETHEREUM, ROLLUP


def _store_word(nonce: int, value: int) -> bytes:
    return ALICE.sign(ROLLUP, nonce=nonce, to=world.STORE_ADDRESS, data=world.word(value), value=0)


def _grow(chain: Chain, count: int, *, seed: int = 0) -> list[Block]:
    """Blocks with one transaction each, whose logs carry `seed` and their number."""
    blocks = []
    for _ in range(count):
        nonce = chain.snapshot().account(ALICE.address).nonce
        blocks.append(chain.import_block(world.inputs(chain, _store_word(nonce, seed + nonce + 1))))
    return blocks


def test_a_new_chain_stands_at_genesis() -> None:
    chain = world.open_chain()
    assert chain.head.header.number == 0
    assert chain.heads.unsafe == chain.heads.safe == chain.heads.finalized
    assert chain.supply(0).total_wei == 5 * world.FUNDS_WEI
    assert chain.header_by_number(1) is None
    assert chain.block_by_hash(Hash32(b"\0" * 32)) is None


def test_genesis_is_deterministic_and_depends_on_everything() -> None:
    assert world.open_chain().genesis == world.open_chain().genesis
    others = {
        world.open_chain().genesis.header.hash,
        Chain.open(ROLLUP, MemoryKeyValue(), world.allocation(), 5).genesis.header.hash,
        Chain.open(ROLLUP, MemoryKeyValue(), {}, world.GENESIS_TIME_S).genesis.header.hash,
    }
    assert len(others) == 3


def test_blocks_and_transactions_are_found_by_what_names_them() -> None:
    chain = world.open_chain()
    first, second = _grow(chain, 2)
    found = chain.find_transaction(second.transactions[0].hash)
    assert found is not None
    assert (found.block, found.index, found.transaction) == (second, 0, second.transactions[0])
    assert chain.block_by_number(1) == first
    assert chain.header_by_hash(first.header.hash) == first.header
    assert chain.find_transaction(Hash32(b"\1" * 32)) is None


def test_stored_blocks_read_back_as_executed() -> None:
    store = MemoryKeyValue()
    chain = world.open_chain(store=store)
    deposit = world.deposit(Address(b"\xaa" * 20), world.REVERT_ADDRESS, mint_wei=3, data=b"x")
    block = chain.import_block(world.inputs(chain, deposit, _store_word(0, 1)))
    again = world.open_chain(store=store)
    assert again.head == block
    assert again.heads == chain.heads
    assert again.supply(1) == chain.supply(1)


def test_rewind_takes_back_state_indexes_and_heads() -> None:
    chain = world.open_chain()
    changes: list[HeadChange] = []
    end = chain.subscribe(changes.append)
    blocks = _grow(chain, 3)
    chain.set_heads(safe=blocks[1].header.hash)
    chain.rewind_to(blocks[0].header.hash)
    assert chain.head == blocks[0]
    assert chain.heads.safe == chain.heads.unsafe
    assert changes[-1] == HeadChange((blocks[2], blocks[1]), ())
    assert chain.find_transaction(blocks[2].transactions[0].hash) is None
    assert chain.block_by_number(2) is None
    assert chain.block_by_hash(blocks[2].header.hash) == blocks[2]
    assert not chain.is_canonical(blocks[2].header.hash)
    assert chain.snapshot().storage_at(world.STORE_ADDRESS, 0) == 1
    assert list(chain.find_logs(LogQuery(2, 3))) == []
    end()
    other = _grow(chain, 1, seed=100)[0]
    assert len(changes) == 4
    assert other.header.number == 2
    assert chain.snapshot(blocks[2].header).storage_at(world.STORE_ADDRESS, 0) == 3


def test_a_transaction_can_come_back_on_another_branch() -> None:
    chain = world.open_chain()
    raw = _store_word(0, 5)
    first = chain.import_block(world.inputs(chain, raw))
    chain.rewind_to(chain.genesis.header.hash)
    chain.import_block(world.inputs(chain))
    second = chain.import_block(world.inputs(chain, raw))
    found = chain.find_transaction(first.transactions[0].hash)
    assert found is not None
    assert found.block == second


def test_never_below_the_finalized_block_unless_detached() -> None:
    chain = world.open_chain()
    blocks = _grow(chain, 2)
    chain.set_heads(finalized=blocks[1].header.hash)
    with pytest.raises(ValueError, match="below the finalized"):
        chain.rewind_to(blocks[0].header.hash)
    with pytest.raises(ValueError, match="not on the canonical chain"):
        chain.set_heads(safe=Hash32(b"\1" * 32))
    chain.patch_state({})
    chain.rewind_to(blocks[0].header.hash)
    assert chain.heads.finalized.number == 1


def test_patched_state_is_what_the_next_block_builds_on() -> None:
    store = MemoryKeyValue()
    chain = world.open_chain(store=store)
    chain.patch_state({BOB.address: AccountOverride(balance_wei=7, nonce=3, storage_changes={1: 2})})
    assert chain.detached
    assert world.balance(chain, BOB.address) == 7
    chain = world.open_chain(store=store)
    assert chain.detached
    assert chain.snapshot().account(BOB.address).nonce == 3
    opened = chain.open_block(world.inputs(chain))
    opened.try_transaction(ALICE.sign(ROLLUP, to=BOB.address, value=1))
    opened.seal()
    assert world.balance(chain, BOB.address) == 8
    assert chain.snapshot(chain.genesis.header).account(BOB.address).balance_wei == 7


def test_import_checks_the_expected_hash() -> None:
    chain = world.open_chain()
    with pytest.raises(InvalidBlockError, match="executes to"):
        chain.import_block(world.inputs(chain), Hash32(b"\1" * 32))
    assert chain.head.header.number == 0


def test_sealing_on_a_moved_head_is_refused() -> None:
    chain = world.open_chain()
    opened = chain.open_block(world.inputs(chain))
    _grow(chain, 1)
    with pytest.raises(StaleParentError, match="head moved"):
        opened.seal()


@pytest.mark.parametrize("spec", [ROLLUP, ETHEREUM], ids=["rollup", "ethereum"])
def test_encoded_blocks_import_elsewhere_and_refuse_a_lie(spec: ChainSpec) -> None:
    chain, other = world.open_chain(spec), world.open_chain(spec)
    block = chain.import_block(world.inputs(chain, ALICE.sign(spec), BOB.sign(spec)))
    raws = tuple(transaction.raw for transaction in block.transactions)
    with pytest.raises(InvalidBlockError, match="transactions root"):
        other.import_encoded(encode_block(block.header, raws[:1]))
    with pytest.raises(InvalidBlockError, match="rlp"):
        other.import_encoded(b"junk")
    assert other.import_encoded(encode_block(block.header, raws)) == block


def test_log_search() -> None:
    chain = world.open_chain()
    blocks = _grow(chain, 4)
    topic = Hash32(world.word(3))
    every = list(chain.find_logs(LogQuery(0, 10)))
    assert [found.block_number for found in every] == [1, 2, 3, 4]
    by_topic = LogQuery(0, 10, frozenset({world.STORE_ADDRESS}), (frozenset({topic}),))
    (found,) = chain.find_logs(by_topic)
    assert found.block_hash == blocks[2].header.hash
    assert found.transaction_hash == blocks[2].transactions[0].hash
    assert (found.transaction_index, found.log_index) == (0, 0)
    assert list(chain.find_logs(LogQuery(0, 10, frozenset({BOB.address})))) == []
    assert list(chain.find_logs(LogQuery(0, 10, topics=(frozenset(), frozenset())))) == []
    assert len(list(chain.find_logs(LogQuery(2, 3, topics=(frozenset(),))))) == 2


def test_proofs_are_of_the_header_s_state() -> None:
    chain = world.open_chain()
    _grow(chain, 1)
    proof = chain.snapshot().prove(world.STORE_ADDRESS, [0, 1])
    assert proof.storage[0].value == 1
    assert proof.storage[1].value == 0
    assert proof.nodes
    assert proof.storage[0].nodes


def test_another_chain_s_directory_is_refused() -> None:
    store = MemoryKeyValue()
    world.open_chain(store=store)
    with pytest.raises(StartError, match="belongs to chain 31338, not 31337"):
        world.open_chain(ETHEREUM, store)
    with pytest.raises(StartError, match="starts at genesis"):
        Chain.open(ROLLUP, store, {}, world.GENESIS_TIME_S)
    store.write([(keys.SCHEMA, (9).to_bytes(4, "big"))])
    with pytest.raises(StartError, match="schema 9"):
        world.open_chain(store=store)


def test_a_head_without_its_state_is_left_for_the_newest_with_it() -> None:
    store = MemoryKeyValue()
    chain = world.open_chain(store=store)
    blocks = _grow(chain, 3)
    store.write([], [keys.node(block.header.state_root) for block in blocks[1:]])
    assert world.open_chain(store=store).head == blocks[0]


def test_a_final_head_without_its_state_is_refused() -> None:
    store = MemoryKeyValue()
    chain = world.open_chain(store=store)
    blocks = _grow(chain, 3)
    chain.set_heads(safe=blocks[2].header.hash, finalized=blocks[2].header.hash)
    store.write([], [keys.node(blocks[2].header.state_root)])
    with pytest.raises(StartError, match="damaged: it lacks the state of its head"):
        world.open_chain(store=store)


def test_a_chain_on_disk_continues(tmp_path: Path) -> None:
    store = LevelDb.open(tmp_path / "db")
    chain = world.open_chain(store=store)
    blocks = _grow(chain, 3)
    store.close()
    store = LevelDb.open(tmp_path / "db")
    again = world.open_chain(store=store)
    assert again.head == blocks[-1]
    _grow(again, 1)
    store.close()
