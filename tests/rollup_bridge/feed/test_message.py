from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from rollup_bridge.errors import MalformedError
from rollup_bridge.feed.message import digest, encode_block, feed_block, open_message
from tests.rollup_bridge.fakes import GENESIS_BLOCK

SIGNER, STRANGER = Address(b"\x51" * 20), Address(b"\x66" * 20)
BLOCK = feed_block(replace(GENESIS_BLOCK, number=7, transactions=(b"\x7eone", b"\x02two")))
CHAIN_ID = 31338


def sign(signed: Hash32, signer: Address = SIGNER) -> bytes:
    """Stands in for secp256k1: the digest's own hash names the signer."""
    return keccak256(signed + signer) + bytes(33)


def recover(signed: Hash32, signature: bytes) -> Address | None:
    return next((who for who in (SIGNER, STRANGER) if sign(signed, who) == signature), None)


def message(chain_id: int = CHAIN_ID, signer: Address = SIGNER) -> bytes:
    body = encode_block(BLOCK)
    return body + sign(digest(chain_id, body), signer)


def test_a_block_survives_the_round_trip() -> None:
    assert open_message(message(), CHAIN_ID, SIGNER, recover) == BLOCK
    assert BLOCK.id.number == 7


def test_only_the_sequencers_word_for_this_chain_counts() -> None:
    for wrong in (message(signer=STRANGER), message(chain_id=1)):
        with pytest.raises(MalformedError, match="not signed"):
            open_message(wrong, CHAIN_ID, SIGNER, recover)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        open_message(data, CHAIN_ID, SIGNER, recover)


@given(st.binary(max_size=200))
def test_signed_rubbish_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError):
        open_message(body + sign(digest(CHAIN_ID, body)), CHAIN_ID, SIGNER, recover)


def test_no_byte_of_a_message_can_be_changed() -> None:
    whole = message()
    for at in range(0, len(whole), 7):
        with pytest.raises(MalformedError):
            open_message(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], CHAIN_ID, SIGNER, recover)
