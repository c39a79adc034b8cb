"""Receipts and blooms as the consensus encodes them."""

from dataclasses import replace

from eth_bloom.bloom import BloomFilter
from hypothesis import given
from hypothesis import strategies as st

from genesis.types import Address, Hash32
from openledger_node.chain.codec import decode_receipts, encode_receipts
from openledger_node.evm.receipts import bloom_may_hold, encode_receipt, join_blooms, logs_bloom
from openledger_node.evm.records import L1Fee, Log, Receipt
from openledger_node.evm.rlp_codec import decode_list

_LOGS = st.lists(
    st.builds(
        Log,
        st.binary(min_size=20, max_size=20).map(Address),
        st.lists(st.binary(min_size=32, max_size=32).map(Hash32), max_size=4).map(tuple),
        st.binary(max_size=40),
    ),
    max_size=4,
).map(tuple)


@given(_LOGS)
def test_bloom_is_the_library_s(logs: tuple[Log, ...]) -> None:
    library = BloomFilter()
    for log in logs:
        library.add(log.address)
        for topic in log.topics:
            library.add(topic)
    bloom = logs_bloom(logs)
    assert int.from_bytes(bloom, "big") == int(library)
    assert all(bloom_may_hold(bloom, log.address) for log in logs)
    assert join_blooms([bloom, logs_bloom(())]) == bloom


_GAS = st.integers(0, 2**63)
_RECEIPTS = st.builds(
    Receipt,
    succeeded=st.booleans(),
    gas_used=_GAS,
    cumulative_gas_used=_GAS,
    effective_gas_price_wei=_GAS,
    logs=_LOGS,
    bloom=st.just(b""),
    contract_address=st.sampled_from([None, Address(b"\1" * 20)]),
    deposit_nonce=st.one_of(st.none(), st.integers(0, 100)),
    l1_fee=st.one_of(st.none(), st.builds(L1Fee, *[st.integers(0, 2**64)] * 6)),
).map(lambda receipt: replace(receipt, bloom=logs_bloom(receipt.logs)))


@given(st.lists(_RECEIPTS, max_size=3).map(tuple))
def test_stored_receipts_read_back(receipts: tuple[Receipt, ...]) -> None:
    assert decode_receipts(encode_receipts(receipts)) == receipts


def test_typed_receipts_carry_their_type() -> None:
    receipt = Receipt(True, 1, 2, 3, (), logs_bloom(()))
    assert decode_list(encode_receipt(0, receipt))[:2] == [b"\1", b"\2"]
    assert encode_receipt(2, receipt) == b"\2" + encode_receipt(0, receipt)
