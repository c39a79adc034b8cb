"""Bytes near transactions: every decoder takes them as one transaction, in one form, or refuses them."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesis.keccak import keccak256
from openledger_node.evm.errors import TransactionError
from openledger_node.evm.impersonation import impersonated_sender
from openledger_node.evm.records import DEPOSIT_TYPE, Transaction
from openledger_node.evm.rlp_codec import Item, decode_list, encode
from openledger_node.evm.transactions import DYNAMIC_FEE, decode_transaction
from openledger_node.evm.unsigned import encoded, impersonated
from tests.evm import world
from tests.evm.test_blobs import ZERO_BLOB, network_form
from tests.evm.test_transactions import _by_type
from tests.evm.test_unsigned import KINDS, made
from tests.evm.world import ETHEREUM, ROLLUP

CORPUS = Path(__file__).parent / "corpus" / "transactions.txt"
"""Shapes that have split decoders, and what fuzzing found: one per line, in hex."""

FOUND = [bytes.fromhex(line) for line in CORPUS.read_text().split()]
SEEDS = [*_by_type().values(), *(impersonated(made(kind)).raw for kind in KINDS)]
ENGINES = [world.open_chain(ETHEREUM).engine for _ in range(2)]
ENGINES[1].allow_impersonation()
CHAIN_IDS = (ROLLUP.chain_id, ETHEREUM.chain_id)

short = st.binary(max_size=33)
items: st.SearchStrategy[Item] = st.recursive(
    short
    | st.sampled_from([b"", b"\0", b"\1", b"\0\1", b"\xff" * 8, b"\xff" * 9, b"\xff" * 32, b"\xff" * 33]),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=6,
)


def _lists(item: Any) -> list[list[Any]]:
    return [item, *(deeper for inner in item if isinstance(inner, list) for deeper in _lists(inner))]


@st.composite
def near_transactions(draw: Callable[..., Any]) -> bytes:
    """A seed with up to three items changed, perhaps its type, perhaps a byte of the encoding."""
    seed = draw(st.sampled_from(SEEDS))
    kind, body = (b"", seed) if seed[0] >= 0xC0 else (seed[:1], seed[1:])
    fields = decode_list(body)
    for _ in range(draw(st.integers(0, 3))):
        where = draw(st.sampled_from(_lists(fields)))
        position = draw(st.integers(0, len(where)))
        end = position + draw(st.integers(0, 2))
        where[position:end] = draw(st.lists(items, max_size=2))
    if draw(st.integers(0, 4)) == 0:
        kind = draw(
            st.sampled_from([b"", b"\0", *(bytes([n]) for n in range(1, 6)), b"\x7e", b"\x7f", b"\x80"])
        )
    raw = bytearray(kind + encode(fields))
    if draw(st.integers(0, 2)) == 0:
        position = draw(st.integers(0, len(raw)))
        raw[position : position + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(raw)


def check(raw: bytes) -> None:
    impersonated_sender(raw)
    for chain_id in CHAIN_IDS:
        for impersonation in (False, True):
            with contextlib.suppress(TransactionError):
                read = decode_transaction(raw, chain_id, impersonation=impersonation)
                _check_read(raw, read, impersonation=impersonation)
    for engine in ENGINES:
        with contextlib.suppress(TransactionError):
            engine.decode_pooled(raw)


def _check_read(raw: bytes, read: Transaction, *, impersonation: bool) -> None:
    """It has one encoding, and another library finds the same sender."""
    assert read.raw == raw
    assert read.hash == keccak256(raw)
    if read.type == DEPOSIT_TYPE:
        return
    assert encoded(read) == read
    if not impersonation and read.type <= DYNAMIC_FEE:  # eth-account judges the others' lists as well
        assert bytes.fromhex(Account.recover_transaction(raw)[2:]) == read.sender


@pytest.mark.parametrize("raw", SEEDS + FOUND, ids=lambda raw: keccak256(raw)[:4].hex())
def test_the_corpus(raw: bytes) -> None:
    check(raw)


@settings(max_examples=500, deadline=None)
@given(near_transactions() | st.binary(max_size=300))
def test_bytes_near_transactions(raw: bytes) -> None:
    check(raw)


@pytest.mark.slow
@settings(max_examples=15_000, deadline=None)
@given(near_transactions())
def test_many_bytes_near_transactions(raw: bytes) -> None:
    check(raw)


@st.composite
def near_network_forms(draw: Callable[..., Any]) -> bytes:
    form = network_form(ZERO_BLOB, ZERO_BLOB)
    fields: list[Any] = decode_list(form[1:])
    where = draw(st.sampled_from([fields, *fields]))
    position = draw(st.integers(0, len(where)))
    where[position : position + draw(st.integers(0, 2))] = draw(
        st.lists(
            items | st.sampled_from([ZERO_BLOB, b"\xff" * 131_072, b"\xc0" + bytes(47), bytes(48)]),
            max_size=2,
        )
    )
    raw = bytearray(form[:1] + encode(fields))
    if draw(st.booleans()):
        raw[draw(st.integers(1, 12))] = draw(st.integers(0, 255))
    return bytes(raw)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(near_network_forms())
def test_bytes_near_network_forms(raw: bytes) -> None:
    check(raw)
