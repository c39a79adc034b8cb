"""Our trie against the `trie` library, on random batches of changes."""

from hypothesis import given, settings
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from genesis.keccak import keccak256
from genesis.types import Hash32
from openledger_node.evm.rlp_codec import decode_list, encode, uint
from openledger_node.evm.trie import EMPTY_ROOT, Trie, ordered_root, proof, secure_root

# Keys that share long prefixes as well as hashed ones, so that extensions split and collapse.
_KEYS = st.one_of(
    st.integers(0, 30).map(lambda n: bytes(keccak256(bytes((n,))))),
    st.tuples(*[st.sampled_from([0, 1, 16])] * 3).map(lambda parts: bytes(parts).ljust(32, b"\0")),
)
_VALUES = st.sampled_from([b"", b"a", b"x" * 40])


@settings(max_examples=150, deadline=None)
@given(batches=st.lists(st.lists(st.tuples(_KEYS, _VALUES), max_size=12), max_size=5))
def test_roots_values_and_proofs_agree_with_the_library(batches: list[list[tuple[bytes, bytes]]]) -> None:
    library = HexaryTrie({})
    store: dict[bytes, bytes] = {}
    root = EMPTY_ROOT
    for batch in batches:
        trie = Trie(root, store.__getitem__)
        for key, value in batch:
            trie.set(key, value)
            library[key] = value
        writes: dict[bytes, bytes] = {}
        root = trie.commit(writes)
        store.update(writes)
        assert root == library.root_hash
        for key, _ in batch:
            assert (Trie(root, store.__getitem__).get(key) or b"") == library[key]
            _check_proof(root, key, store, library)


def _check_proof(root: Hash32, key: bytes, store: dict[bytes, bytes], library: HexaryTrie) -> None:
    nodes = proof(root, key, store.__getitem__)
    if root == EMPTY_ROOT:
        assert nodes == ()
        return
    found = HexaryTrie.get_from_proof(root, key, [_decoded(node) for node in nodes])  # type: ignore[no-untyped-call]  # the library is untyped
    assert found == library[key]
    assert keccak256(nodes[0]) == root


def _decoded(node: bytes) -> object:

    return decode_list(node)


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.binary(min_size=1, max_size=50), max_size=200))
def test_ordered_root_agrees_with_the_library(values: list[bytes]) -> None:
    library = HexaryTrie({})
    for index, value in enumerate(values):
        library[encode(uint(index))] = value
    assert ordered_root(values) == library.root_hash


def test_secure_root_hashes_its_keys() -> None:
    library = HexaryTrie({})
    library[keccak256(b"key")] = b"value"
    assert secure_root({b"key": b"value"}) == library.root_hash


def test_an_unchanged_trie_keeps_its_root_and_writes_nothing() -> None:
    store: dict[bytes, bytes] = {}
    trie = Trie(EMPTY_ROOT, store.__getitem__)
    trie.set(keccak256(b"a"), b"1" * 40)
    root = trie.commit(store)
    again = Trie(root, store.__getitem__)
    again.set(keccak256(b"nobody"), b"")
    writes: dict[bytes, bytes] = {}
    assert again.commit(writes) == root
    assert writes == {}
