"""Headers and blocks survive encoding, and nothing malformed decodes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.types import Hash32
from openledger_node.evm.blocks import decode_block, decode_header, encode_block, sealed
from openledger_node.evm.records import Withdrawal
from openledger_node.evm.rlp_codec import RlpError
from tests.evm import world
from tests.evm.world import ALICE, ETHEREUM


def _encoded() -> bytes:
    chain = world.open_chain(ETHEREUM)
    legacy = ALICE.sign(ETHEREUM, type=None, maxFeePerGas=None, maxPriorityFeePerGas=None, gasPrice=10**10)
    withdrawals = (Withdrawal(1, 2, ALICE.address, 3),)
    raws = (legacy, ALICE.sign(ETHEREUM, nonce=1))
    block = chain.import_block(world.inputs(chain, *raws, withdrawals=withdrawals))
    return encode_block(block.header, raws, withdrawals)


ENCODED = _encoded()


def test_round_trip() -> None:
    block = decode_block(ENCODED)
    assert encode_block(block.header, block.transactions, block.withdrawals) == ENCODED
    assert decode_header(block.header.rlp) == block.header
    assert len(block.transactions) == 2


def test_a_cancun_header_has_no_requests_hash() -> None:
    header = decode_block(ENCODED).header
    cancun = sealed(replace(header, requests_hash=Hash32(b"")))
    assert decode_header(cancun.rlp) == cancun
    assert cancun.hash != header.hash


@given(st.integers(0, len(ENCODED) - 1), st.integers(0, 255))
def test_mutations_are_refused_or_another_block(position: int, value: int) -> None:
    mutated = ENCODED[:position] + bytes((value,)) + ENCODED[position + 1 :]
    try:
        block = decode_block(mutated)
    except RlpError:
        return
    assert encode_block(block.header, block.transactions, block.withdrawals, block.ommers) == mutated


@pytest.mark.parametrize("junk", [b"", b"\xc0", b"\xc4\xc0\xc0\xc0\xc0", b"\x80"])
def test_junk_is_refused(junk: bytes) -> None:
    with pytest.raises(RlpError):
        decode_block(junk)
