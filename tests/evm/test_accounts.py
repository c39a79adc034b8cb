"""The account state: going back takes everything back, and the root is what a fresh state would have."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.account import GenesisAccount
from genesis.types import Address, Hash32
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.allocation import materialise
from openledger_node.evm.node_store import NodeStore
from openledger_node.evm.records import Log
from openledger_node.evm.trie import EMPTY_ROOT
from openledger_node.storage.keyvalue import MemoryKeyValue

ADDRESSES = [Address(bytes((n,)) * 20) for n in (1, 2, 3)]
ALLOCATION = {
    ADDRESSES[0]: GenesisAccount(balance_wei=5, storage={1: 7, 2: 8}),
    ADDRESSES[1]: GenesisAccount(nonce=1, code=b"code"),
}
_CHANGES: dict[str, Callable[[AccountState, Address, int], None]] = {
    "balance": lambda state, address, n: state.set_balance(address, n),
    "nonce": lambda state, address, n: state.set_nonce(address, n),
    "code": lambda state, address, n: state.set_code(address, bytes((n,))),
    "storage": lambda state, address, n: state.set_storage(address, n % 4, n // 4),
    "transient": lambda state, address, n: state.set_transient_storage(address, n % 4, bytes((n,))),
    "warm": lambda state, address, n: state.mark_storage_warm(address, n % 4),
    "touch": lambda state, address, n: state.touch_account(address),
    "log": lambda state, address, n: state.add_log(Log(address, (), bytes((n,)))),
    "refund": lambda state, address, n: state.add_refund(n),
    "destroy": lambda state, address, n: state.destroy_later(address),
    "delete": lambda state, address, n: state.delete_account(address),
    "wipe": lambda state, address, n: state.delete_storage(address),
}
_STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(_CHANGES)), st.sampled_from(ADDRESSES), st.integers(0, 20)), max_size=15
)


def _state(allocation: dict[Address, GenesisAccount] = ALLOCATION) -> AccountState:
    store = MemoryKeyValue()
    root, writes = materialise(allocation)
    store.write(writes)
    return AccountState(NodeStore(store), root)


def _apply(state: AccountState, steps: list[tuple[str, Address, int]]) -> None:
    for name, address, n in steps:
        _CHANGES[name](state, address, n)


def _view(state: AccountState) -> Any:
    return (
        [
            (
                state.get_balance(address),
                state.get_nonce(address),
                state.get_code(address),
                state.account_exists(address),
                [state.get_storage(address, slot) for slot in range(4)],
                [state.get_storage(address, slot, from_journal=False) for slot in range(4)],
                [state.get_transient_storage(address, slot) for slot in range(4)],
                [state.is_storage_warm(address, slot) for slot in range(4)],
            )
            for address in ADDRESSES
        ],
        list(state.logs),
        state.refund,
        set(state.destroyed),
    )


@settings(max_examples=150, deadline=None)
@given(before=_STEPS, inside=_STEPS)
def test_discard_takes_back_everything(
    before: list[tuple[str, Address, int]], inside: list[tuple[str, Address, int]]
) -> None:
    state, twin = _state(), _state()
    _apply(state, before)
    _apply(twin, before)
    seen = _view(state)
    checkpoint = state.record()
    _apply(state, inside)
    state.discard(checkpoint)
    assert _view(state) == seen
    state.end_transaction()
    twin.end_transaction()
    assert state.make_root({}, {}) == twin.make_root({}, {})


@settings(max_examples=100, deadline=None)
@given(transactions=st.lists(_STEPS, max_size=3))
def test_root_is_that_of_the_same_accounts_from_nothing(
    transactions: list[list[tuple[str, Address, int]]],
) -> None:
    state = _state()
    for steps in transactions:
        _apply(state, steps)
        state.end_transaction()
    rebuilt = {
        address: GenesisAccount(
            balance_wei=state.get_balance(address),
            nonce=state.get_nonce(address),
            code=state.get_code(address),
            storage={slot: state.get_storage(address, slot) for slot in range(4)},
        )
        for address in ADDRESSES
        if state.account_exists(address)
    }
    change = state.balance_change_wei()
    assert state.make_root({}, {}) == materialise(rebuilt)[0]
    assert change == sum(account.balance_wei for account in rebuilt.values()) - 5


def test_empty_account_loses_its_storage_when_touched() -> None:
    state = _state({ADDRESSES[2]: GenesisAccount(storage={1: 1})})
    state.touch_account(ADDRESSES[2])
    assert state.get_storage(ADDRESSES[2], 1) == 1
    state.end_transaction()
    assert not state.account_exists(ADDRESSES[2])
    assert state.get_storage(ADDRESSES[2], 1) == 0
    assert state.make_root({}, {}) == EMPTY_ROOT


def test_storage_alone_makes_a_creation_collide() -> None:
    state = _state({ADDRESSES[2]: GenesisAccount(storage={1: 1})})
    assert state.account_has_code_or_nonce(ADDRESSES[2])
    assert not state.account_has_code_or_nonce(Address(b"\x09" * 20))


def test_codes_are_written_with_the_accounts_that_use_them() -> None:
    state = _state({})
    state.set_code(ADDRESSES[0], b"kept")
    checkpoint = state.record()
    state.set_code(ADDRESSES[1], b"taken back")
    state.discard(checkpoint)
    state.end_transaction()
    codes: dict[Hash32, bytes] = {}
    state.make_root({}, codes)
    assert list(codes.values()) == [b"kept"]
