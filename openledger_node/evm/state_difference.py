"""Which trie nodes one stored state has and another has not: both walked side by side.

What is the same in both is not entered, so the work follows the difference, not the size. The difference to
the empty state is the whole state. Nodes are counted by place: two accounts with equal storage count twice.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from genesis.types import Hash32
from openledger_node.evm.account_leaf import decode_account
from openledger_node.evm.rlp_codec import Item, decode_list
from openledger_node.evm.trie import EMPTY_ROOT, LoadNode
from openledger_node.evm.trie_nodes import expand_path


class _Run(NamedTuple):
    """A leaf or an extension, perhaps without the first steps of its path."""

    path: bytes
    is_leaf: bool
    content: Item


_Branch: TypeAlias = list[Item]
_Place: TypeAlias = "Item | _Run"
"""What stands at one path: a node's hash, a small node itself, the rest of a run, or nothing (no bytes)."""
_NOTHING = b""


def state_difference(
    load: LoadNode,
    old_root: Hash32,
    new_root: Hash32,
    on_account: Callable[[bytes], None] | None = None,
) -> Counter[bytes]:
    """Node hash → places that name it in the new state less those in the old one, storage included; without
    zeros. `on_account` gets the leaf of each account that is new or changed. Raises what `load` raises for a
    node that is missing."""
    net: Counter[bytes] = Counter()

    def compare_accounts(old: bytes | None, new: bytes | None) -> None:
        if on_account is not None and new is not None:
            on_account(new)
        _Walk(load, net, None).compare(_storage(old), _storage(new))

    _Walk(load, net, compare_accounts).compare(_root(old_root), _root(new_root))
    return Counter({node_hash: places for node_hash, places in net.items() if places})


def _root(root: Hash32) -> bytes:
    return _NOTHING if root == EMPTY_ROOT else bytes(root)


def _storage(leaf: bytes | None) -> bytes:
    return _NOTHING if leaf is None else _root(decode_account(leaf).storage_root)


class _Walk:
    """Through two tries at once; `compare_leaves` gets the values at a path where they differ."""

    def __init__(
        self,
        load: LoadNode,
        net: Counter[bytes],
        compare_leaves: Callable[[bytes | None, bytes | None], None] | None,
    ) -> None:
        self._load = load
        self._net = net
        self._compare_leaves = compare_leaves

    def compare(self, old: _Place, new: _Place) -> None:
        if old == new:
            return
        before, after = self._entered(old, -1), self._entered(new, +1)
        if isinstance(before, _Run) and isinstance(after, _Run):
            self._compare_runs(before, after)
        elif isinstance(before, _Run) and after is None:
            self._single(before, is_new=False)
        elif isinstance(after, _Run) and before is None:
            self._single(after, is_new=True)
        else:
            for step in range(16):
                self.compare(_after_step(before, step), _after_step(after, step))

    def _entered(self, place: _Place, places: int) -> _Branch | _Run | None:
        if isinstance(place, _Run):
            return place
        if isinstance(place, bytes):
            if place == _NOTHING:
                return None
            self._net[place] += places
            place = decode_list(self._load(place))
        if len(place) == 17:
            return list(place[:16])
        compact, content = place
        assert isinstance(compact, bytes)
        path, is_leaf = expand_path(compact)
        return _Run(path, is_leaf, content)

    def _compare_runs(self, old: _Run, new: _Run) -> None:
        if old.path == new.path and old.is_leaf == new.is_leaf:
            if not old.is_leaf:
                self.compare(old.content, new.content)
            elif old.content != new.content:
                self._compare_values(old.content, new.content)
        elif old.path and new.path and old.path[0] == new.path[0]:
            self.compare(_after_step(old, old.path[0]), _after_step(new, new.path[0]))
        else:
            self._single(old, is_new=False)
            self._single(new, is_new=True)

    def _single(self, run: _Run, *, is_new: bool) -> None:
        """Everything below a run that the other trie has not."""
        content = run.content
        if run.is_leaf:
            self._compare_values(None if is_new else content, content if is_new else None)
        elif is_new:
            self.compare(_NOTHING, content)
        else:
            self.compare(content, _NOTHING)

    def _compare_values(self, old: "Item | None", new: "Item | None") -> None:
        assert old is None or isinstance(old, bytes)
        assert new is None or isinstance(new, bytes)
        if self._compare_leaves is not None:
            self._compare_leaves(old, new)


def _after_step(entered: _Branch | _Run | None, step: int) -> _Place:
    if entered is None:
        return _NOTHING
    if not isinstance(entered, _Run):
        return entered[step]
    if entered.path[0] != step:
        return _NOTHING
    rest = entered._replace(path=entered.path[1:])
    return rest if rest.path or rest.is_leaf else rest.content
