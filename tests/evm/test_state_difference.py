"""The walked difference of two states is what the tries themselves report while they change."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.node_store import NodeStore, state_writes
from openledger_node.evm.state_difference import state_difference
from openledger_node.evm.trie import EMPTY_ROOT
from openledger_node.storage.keyvalue import MemoryKeyValue

# Few accounts and slots with few values: nodes that come back, and equal storage of several accounts.
changes = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from(["balance", "slot", "gone"]),
        st.integers(0, 12),
        st.integers(0, 3),
    ),
    max_size=25,
)


def _address(index: int) -> Address:
    return Address(keccak256(bytes((index,)))[:20])


class _World:
    def __init__(self) -> None:
        self._store = MemoryKeyValue()
        self.nodes = NodeStore(self._store)
        self.root = EMPTY_ROOT

    def block(self, steps: list[tuple[int, str, int, int]]) -> tuple[Hash32, Counter[bytes]]:
        """The root before, and what the tries reported."""
        before, state = self.root, AccountState(self.nodes, self.root)
        for index, what, slot, value in steps:
            self._apply(state, _address(index), what, slot, value)
        nodes: dict[bytes, bytes] = {}
        self.root = state.make_root(nodes, {})
        self._store.write(state_writes(nodes, {}))
        reported = Counter(state.node_changes.created)
        reported.subtract(state.node_changes.replaced)
        return before, Counter({key: places for key, places in reported.items() if places})

    @staticmethod
    def _apply(state: AccountState, address: Address, what: str, slot: int, value: int) -> None:
        if what == "slot":
            state.set_storage(address, slot, value)
            state.set_nonce(address, 1)
        elif what == "balance" or state.account(address) is None:
            state.set_balance(address, value + 1)
        elif state.account(address).storage_root == EMPTY_ROOT and not state.get_storage(address, slot):  # type: ignore[union-attr]  # checked above
            state.set_nonce(address, 0)
            state.set_balance(address, 0)


@settings(max_examples=150, deadline=None)
@given(st.lists(changes, min_size=1, max_size=6))
def test_what_tries_report_is_what_a_walk_finds(blocks: list[list[tuple[int, str, int, int]]]) -> None:
    world, total = _World(), Counter[bytes]()
    for steps in blocks:
        before, reported = world.block(steps)
        assert state_difference(world.nodes.node, before, world.root) == reported
        total.update(reported)
    whole = state_difference(world.nodes.node, EMPTY_ROOT, world.root)
    assert whole == Counter({key: places for key, places in total.items() if places})
    assert all(places > 0 for places in whole.values())


def test_equal_storage_counts_once_for_each_account() -> None:
    world = _World()
    world.block([(index, "slot", slot, 1) for index in range(3) for slot in range(30)])
    assert max(state_difference(world.nodes.node, EMPTY_ROOT, world.root).values()) == 3


def test_only_the_difference_is_read() -> None:
    world = _World()
    world.block([(index, "slot", slot, 1) for index in range(40) for slot in range(10)])
    before, _ = world.block([(7, "slot", 3, 2)])
    loaded: list[bytes] = []

    def load(node_hash: bytes) -> bytes:
        loaded.append(node_hash)
        return world.nodes.node(node_hash)

    state_difference(load, before, world.root)
    assert len(loaded) < 20
