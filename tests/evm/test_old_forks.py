"""What forks before Cancun do differently: gas, refunds, empty accounts, difficulty, rewards."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from eth.vm.forks.arrow_glacier.headers import compute_arrow_glacier_difficulty
from eth.vm.forks.byzantium.headers import compute_byzantium_difficulty
from eth.vm.forks.constantinople.headers import compute_constantinople_difficulty
from eth.vm.forks.frontier.headers import compute_frontier_difficulty
from eth.vm.forks.gray_glacier.headers import compute_gray_glacier_difficulty
from eth.vm.forks.homestead.headers import compute_homestead_difficulty
from eth.vm.forks.london.headers import compute_london_difficulty
from eth.vm.forks.muir_glacier.headers import compute_muir_glacier_difficulty
from hypothesis import given
from hypothesis import strategies as st

from genesis.forks import Fork
from genesis.types import ZERO_HASH, Address
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.blocks import EMPTY_OMMERS_HASH
from openledger_node.evm.errors import InvalidBlockError
from openledger_node.evm.machines import MACHINES
from openledger_node.evm.node_store import NodeStore
from openledger_node.evm.old_forks import (
    FrontierAccounts,
    intrinsic_difference,
    knows_type,
    open_accounts,
    refund,
)
from openledger_node.evm.proof_of_work import (
    block_reward_wei,
    check_ommers,
    difficulty_after,
    rewards_of,
)
from openledger_node.evm.trie import EMPTY_ROOT
from openledger_node.evm.validity import needed_gas
from openledger_node.storage.keyvalue import MemoryKeyValue
from tests.rpc.records import header, transaction

NOBODY = Address(b"\x77" * 20)
ETHER = 10**18


def accounts(kind: type[AccountState] = AccountState) -> AccountState:
    return kind(NodeStore(MemoryKeyValue()), EMPTY_ROOT)


def test_every_fork_has_a_machine() -> None:
    assert set(MACHINES) == set(Fork)
    assert not MACHINES[Fork.HOMESTEAD].get_precompiles().get(Address((5).to_bytes(20, "big")))


@pytest.mark.parametrize(
    ("fork", "gas"),
    [
        (Fork.FRONTIER, 21_000 + 3 * 68 + 4),
        (Fork.HOMESTEAD, 53_000 + 3 * 68 + 4),
        (Fork.PETERSBURG, 53_000 + 3 * 68 + 4),
        (Fork.ISTANBUL, 53_000 + 3 * 16 + 4),
        (Fork.SHANGHAI, 53_000 + 3 * 16 + 4 + 2),
        (Fork.PRAGUE, 53_000 + 3 * 16 + 4 + 2),
    ],
)
def test_intrinsic_gas_of_a_creation(fork: Fork, gas: int) -> None:
    creation = replace(transaction(0), to=None, data=b"\1\2\3\0")
    assert needed_gas(creation, fork) == gas


def test_intrinsic_gas_of_a_call_changed_once() -> None:
    call = replace(transaction(0), data=b"\1\0")
    assert [intrinsic_difference(call, fork) for fork in (Fork.BYZANTIUM, Fork.ISTANBUL)] == [52, 0]


def test_types_come_with_their_forks() -> None:
    first = {
        kind: min(fork for fork in Fork if knows_type(fork, transaction(0, type_=kind)))
        for kind in (1, 2, 3, 4)
    }
    assert first == {1: Fork.BERLIN, 2: Fork.LONDON, 3: Fork.CANCUN, 4: Fork.PRAGUE}
    unprotected = replace(transaction(0, type_=0), chain_id=None)
    assert knows_type(Fork.FRONTIER, unprotected)
    assert not knows_type(Fork.HOMESTEAD, replace(unprotected, chain_id=1))


def test_refunds_before_and_after_london() -> None:
    state = accounts()
    state.add_refund(15_000)
    state.destroy_later(NOBODY)
    assert refund(state, 100_000, Fork.BERLIN) == 39_000
    assert refund(state, 50_000, Fork.BERLIN) == 25_000
    assert refund(state, 100_000, Fork.LONDON) == 15_000
    assert refund(state, 50_000, Fork.LONDON) == 10_000


def test_touching_creates_and_nothing_clears_before_spurious_dragon() -> None:
    old, new = accounts(FrontierAccounts), accounts()
    for state in (old, new):
        state.touch_account(NOBODY)
        state.end_transaction()
    assert old.account_exists(NOBODY)
    assert not new.account_exists(NOBODY)
    assert old.make_root({}, {}) != EMPTY_ROOT
    assert new.make_root({}, {}) == EMPTY_ROOT


def test_a_destroyed_account_is_gone_in_any_fork() -> None:
    state = accounts(FrontierAccounts)
    state.set_balance(NOBODY, 5)
    state.destroy_later(NOBODY)
    state.end_transaction()
    assert not state.account_exists(NOBODY)


def test_a_touch_is_taken_back_with_its_frame() -> None:
    state = accounts(FrontierAccounts)
    before = state.record()
    state.touch_account(NOBODY)
    state.discard(before)
    assert not state.account_exists(NOBODY)


def test_roots_between_transactions_change_nothing() -> None:
    state = accounts()
    state.set_balance(NOBODY, 5)
    state.set_storage(NOBODY, 1, 2)
    state.end_transaction()
    first = state.root_now()
    state.set_balance(NOBODY, 6)
    state.end_transaction()
    assert state.root_now() != first
    state.set_balance(NOBODY, 5)
    state.end_transaction()
    assert state.root_now() == first
    assert state.make_root({}, {}) == first


def test_state_kind_follows_the_fork() -> None:
    nodes = NodeStore(MemoryKeyValue())
    assert type(open_accounts(nodes, EMPTY_ROOT, Fork.TANGERINE_WHISTLE)) is FrontierAccounts
    assert type(open_accounts(nodes, EMPTY_ROOT, Fork.SPURIOUS_DRAGON)) is AccountState


ORACLES = {
    Fork.FRONTIER: compute_frontier_difficulty,
    Fork.HOMESTEAD: compute_homestead_difficulty,
    Fork.SPURIOUS_DRAGON: compute_homestead_difficulty,
    Fork.BYZANTIUM: compute_byzantium_difficulty,
    Fork.CONSTANTINOPLE: compute_constantinople_difficulty,
    Fork.ISTANBUL: compute_constantinople_difficulty,
    Fork.MUIR_GLACIER: compute_muir_glacier_difficulty,
    Fork.BERLIN: compute_muir_glacier_difficulty,
    Fork.LONDON: compute_london_difficulty,
    Fork.ARROW_GLACIER: compute_arrow_glacier_difficulty,
    Fork.GRAY_GLACIER: compute_gray_glacier_difficulty,
}


@given(
    fork=st.sampled_from(list(ORACLES)),
    number=st.integers(0, 16_000_000),
    difficulty=st.integers(131_072, 2**55),
    waited_s=st.integers(1, 3_000),
    has_ommers=st.booleans(),
)
def test_difficulty_is_py_evms(
    *, fork: Fork, number: int, difficulty: int, waited_s: int, has_ommers: bool
) -> None:
    ommers_hash = ZERO_HASH if has_ommers else EMPTY_OMMERS_HASH
    parent = replace(
        header(0), number=number, difficulty=difficulty, timestamp_s=1_000, ommers_hash=ommers_hash
    )
    theirs = SimpleNamespace(
        timestamp=1_000, difficulty=difficulty, block_number=number, uncles_hash=ommers_hash
    )
    assert difficulty_after(fork, parent, 1_000 + waited_s) == ORACLES[fork](theirs, 1_000 + waited_s)


def test_difficulty_has_a_floor() -> None:
    parent = replace(header(1), difficulty=131_072, timestamp_s=0, ommers_hash=EMPTY_OMMERS_HASH)
    assert difficulty_after(Fork.LONDON, parent, 10_000) == 131_072


def test_rewards_before_the_merge() -> None:
    assert [block_reward_wei(fork) // ETHER for fork in (Fork.FRONTIER, Fork.BYZANTIUM, Fork.LONDON)] == [
        5,
        3,
        2,
    ]
    assert block_reward_wei(Fork.PARIS) == 0
    paid = rewards_of(Fork.CONSTANTINOPLE, 10, (header(9), header(4)))
    assert paid.miner_wei == 2 * ETHER + 2 * (2 * ETHER // 32)
    assert paid.each_ommer_wei == (7 * 2 * ETHER // 8, 2 * 2 * ETHER // 8)
    assert paid.ommers_wei == 9 * 2 * ETHER // 8


@pytest.mark.parametrize(
    ("numbers", "why"),
    [((9, 8, 7), "more than two"), ((10,), "too young"), ((3,), "too old"), ((9, 9), "twice")],
)
def test_ommers_are_few_near_and_different(numbers: tuple[int, ...], why: str) -> None:
    with pytest.raises(InvalidBlockError, match=why):
        check_ommers(10, tuple(header(number) for number in numbers))
    check_ommers(10, (header(9), header(4)))
