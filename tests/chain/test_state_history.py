"""A pruned chain keeps exactly the states it says it keeps: all of their nodes, and no others."""

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.spec import ETHEREUM_FEES, ChainSpec
from genesis.types import Address
from openledger_node.chain.chain import Chain
from openledger_node.chain.ethereum_genesis import read_genesis
from openledger_node.chain.integrity import check_store
from openledger_node.chain.node_counts import stored_places
from openledger_node.chain.state_history import kept_states
from openledger_node.chain.state_journal import decode_journal, journal_entry
from openledger_node.chain.state_pruning import count_places, keep_recent_states, prune_store
from openledger_node.errors import CriticalError, StartError
from openledger_node.evm.node_store import MissingStateError
from openledger_node.evm.records import AccountOverride, Header
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import MemoryKeyValue
from openledger_node.storage.leveldb import LevelDb
from tests.evm import world
from tests.evm.world import ALICE, BOB, ROLLUP

STATES = 3


def _pruned(store: MemoryKeyValue | LevelDb, states: int | None = STATES) -> Chain:
    return Chain.open(ROLLUP, store, world.allocation(), world.GENESIS_TIME_S, state_history=states)


def _grow(chain: Chain, value: int, *, finalize: bool = True) -> Header:
    """A block that stores a word and pays somebody; with a value of 0 the storage trie empties."""
    nonce = chain.snapshot().account(ALICE.address).nonce
    store = ALICE.sign(ROLLUP, nonce=nonce, to=world.STORE_ADDRESS, data=world.word(value), value=0)
    pay = ALICE.sign(ROLLUP, nonce=nonce + 1, to=bytes((value,)) * 20, value=value)
    header = chain.import_block(world.inputs(chain, store, pay)).header
    if finalize:
        chain.set_heads(finalized=header.hash)
    return header


def _assert_exact(chain: Chain, store: MemoryKeyValue) -> None:
    """Counts and nodes are those of the kept states, found by walking them."""
    headers = [chain.header_by_number(n) for n in range(chain.oldest_state, chain.heads.unsafe.number + 1)]
    places, journals = count_places(store, [(h.number, h.state_root) for h in headers if h is not None])
    assert {key[1:] for key, _ in store.scan(keys.NODE)} == set(places)
    assert {node: stored_places(store, node) for node in places} == places
    assert {key: decode_journal(value) for key, value in store.scan(keys.JOURNAL)} == {
        key: decode_journal(value) for key, value in journals
    }


def test_older_states_go_and_kept_ones_stay_readable() -> None:
    store = MemoryKeyValue()
    chain = _pruned(store)
    for value in range(1, 9):
        _grow(chain, value)
        _assert_exact(chain, store)
    assert chain.oldest_state == 8 - STATES
    for number in range(chain.oldest_state, 9):
        assert chain.snapshot(chain.header_by_number(number)).storage_at(world.STORE_ADDRESS, 0) == number
    reopened = _pruned(store)
    with pytest.raises(MissingStateError, match="missing trie node"):
        reopened.snapshot(reopened.header_by_number(1)).account(ALICE.address)


def test_nothing_goes_that_is_not_final() -> None:
    chain = _pruned(store := MemoryKeyValue())
    for value in range(1, 9):
        _grow(chain, value, finalize=False)
    assert chain.oldest_state == 0
    final = chain.header_by_number(6)
    assert final is not None
    chain.set_heads(finalized=final.hash)
    _grow(chain, 9)
    assert chain.oldest_state == 9 - STATES
    _assert_exact(chain, store)


actions = st.lists(
    st.tuples(st.sampled_from(["grow", "grow", "grow", "final", "back", "reopen"]), st.integers(0, 4)),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(actions)
def test_after_any_history(steps: list[tuple[str, int]]) -> None:
    chain = _pruned(store := MemoryKeyValue())
    for what, value in steps:
        match what:
            case "grow":
                _grow(chain, value, finalize=False)
            case "final":
                number = max(chain.heads.finalized.number, chain.heads.unsafe.number - value)
                final = chain.header_by_number(number)
                assert final is not None
                chain.set_heads(finalized=final.hash)
            case "back":
                number = max(chain.heads.finalized.number, chain.heads.unsafe.number - value)
                target = chain.header_by_number(number)
                assert target is not None
                chain.rewind_to(target.hash)
            case _:
                chain = _pruned(store)
        _assert_exact(chain, store)


def test_a_store_of_all_states_is_pruned_by_hand_only() -> None:
    chain = _pruned(store := MemoryKeyValue(), None)
    for value in range(1, 9):
        _grow(chain, value)
    with pytest.raises(StartError, match="db prune --state-history 3"):
        _pruned(store)
    states = [(h.number, h.state_root) for n in (6, 7, 8) if (h := chain.header_by_number(n))]
    before = sum(1 for _ in store.scan(keys.NODE))
    deleted = keep_recent_states(store, states, STATES)
    assert sum(1 for _ in store.scan(keys.NODE)) == before - deleted
    chain = _pruned(store)
    assert chain.oldest_state == 6
    _assert_exact(chain, store)
    chain.rewind_to(chain.heads.unsafe.hash)
    for value in (1, 0, 1):
        _grow(chain, value)
        _assert_exact(chain, store)
    assert keep_recent_states(store, [(11, chain.head.header.state_root)], STATES) > 0
    _assert_exact(chain, store)


def test_the_length_may_change_but_what_is_gone_is_gone() -> None:
    chain = _pruned(store := MemoryKeyValue())
    for value in range(1, 9):
        _grow(chain, value)
    with pytest.raises(StartError, match="older ones are gone"):
        _pruned(store, 0)
    assert kept_states(store) == STATES
    chain = _pruned(store, 1)
    _grow(chain, 9)
    assert (kept_states(store), chain.oldest_state) == (1, 8)
    assert _pruned(store, None).oldest_state == 8
    _assert_exact(chain, store)


def test_the_chain_does_not_go_back_to_a_state_it_has_not() -> None:
    chain = _pruned(MemoryKeyValue())
    for value in range(1, 9):
        _grow(chain, value)
    first = chain.header_by_number(1)
    assert first is not None
    chain.patch_state({})
    with pytest.raises(ValueError, match="state of block 1 is not kept"):
        chain.rewind_to(first.hash)


def test_nothing_is_pruned_after_a_change_by_hand() -> None:
    chain = _pruned(store := MemoryKeyValue())
    for value in range(1, 6):
        _grow(chain, value)
    chain.patch_state({BOB.address: AccountOverride(balance_wei=7)})
    oldest = chain.oldest_state
    for value in range(6, 12):
        _grow(chain, value)
    for opened in (chain, _pruned(store)):
        assert opened.oldest_state == oldest
        assert (
            opened.snapshot(opened.header_by_number(oldest)).account(Address(b"\x01" * 20)).balance_wei == 1
        )


def test_storage_of_a_destroyed_account_stays_until_pruned_by_hand() -> None:
    spec = ChainSpec(7, is_rollup=False, block_gas_limit=30_000_000, fees=ETHEREUM_FEES)
    doomed = {"balance": "0x0", "code": "0x33ff", "storage": {hex(slot): "0x1" for slot in range(1, 9)}}
    alloc = {ALICE.address.hex(): {"balance": hex(10**20)}, world.SELFDESTRUCT_ADDRESS.hex(): doomed}
    config = {"chainId": 7, "terminalTotalDifficulty": 0, "londonBlock": 0, "shanghaiTime": 0}
    text = json.dumps({"config": config, "alloc": alloc, "gasLimit": hex(30_000_000), "difficulty": "0x0"})
    chain = Chain.open_ethereum(read_genesis(text), store := MemoryKeyValue(), state_history=1)
    for nonce in range(4):
        raw = ALICE.sign(spec, nonce=nonce, to=world.SELFDESTRUCT_ADDRESS, value=0)
        chain.import_block(world.inputs(chain, raw))
        chain.set_heads(safe=chain.head.header.hash, finalized=chain.head.header.hash)
    assert chain.snapshot().storage_at(world.SELFDESTRUCT_ADDRESS, 1) == 0
    assert chain.oldest_state == 3
    reports = check_store(store, sample=None, random=Random(1))
    assert [problem for report in reports for problem in report.problems] == []
    assert prune_store(store, 1).deleted_nodes >= 8
    _assert_exact(chain, store)


def test_many_states_go_step_by_step() -> None:
    chain = _pruned(store := MemoryKeyValue())
    for value in range(1, 41):
        _grow(chain, value, finalize=False)
    chain.set_heads(finalized=chain.heads.unsafe.hash)
    _grow(chain, 41)
    assert chain.oldest_state == 32
    _grow(chain, 42)
    assert chain.oldest_state == 42 - STATES
    _assert_exact(chain, store)


def test_a_wrong_count_stops_the_node_before_it_deletes() -> None:
    chain = _pruned(store := MemoryKeyValue())
    for value in range(1, 4):
        _grow(chain, value)
    _, journal = next(iter(store.scan(keys.JOURNAL)))
    node_hash = next(node for node, places in decode_journal(journal).items() if places < 0)
    store.write([], [keys.node(node_hash)])
    nodes = dict(store.scan(keys.NODE))
    with pytest.raises(CriticalError, match="given up more often than it is named"):
        for value in range(4, 8):
            _grow(chain, value)
    assert nodes.items() <= dict(store.scan(keys.NODE)).items()


@given(st.dictionaries(st.binary(min_size=32, max_size=32), st.integers(-3, 3).filter(bool), max_size=6))
def test_journals_read_back(places: dict[bytes, int]) -> None:
    assert decode_journal(journal_entry(7, places)[1]) == Counter(places)


def test_a_pruned_chain_is_opened_again_from_disk(tmp_path: Path) -> None:
    for states in (STATES, None):
        store = LevelDb.open(tmp_path / "db")
        chain = _pruned(store, states)
        for value in range(1, 7):
            _grow(chain, value)
        assert chain.oldest_state == chain.heads.unsafe.number - STATES
        store.close()
