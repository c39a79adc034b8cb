"""Voucher rules: what pays for a call, and everything that does not."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.typed_data import Voucher, voucher_digest
from genesis.types import Address, Hash32
from openledger_node.client.account import Account, dev_account
from openledger_node.client.vouchers import SignedVoucher, encode_voucher
from openledger_node.gateway.errors import PaymentRequiredError
from openledger_node.gateway.vouchers import Ledger, check_voucher, decode_voucher
from precompiles.views.metering import Channel

CHAIN_ID = 31338
PROVIDER = dev_account(12).address
KEY = dev_account(7)
CHANNEL_ID = Hash32(b"\x22" * 32)
LEDGER = Ledger(CHANNEL_ID, receipts=3, fees_wei=300, root=Hash32(b"\x33" * 32))
CHANNEL = Channel(
    payer=KEY.address,
    provider=PROVIDER,
    voucher_key=KEY.address,
    model_id=1,
    feature_index=1,
    policy_version=1,
    input_price_wei=1000,
    output_price_wei=1000,
    deposit_wei=1_000,
    settled_fee_wei=0,
    settled_receipts=0,
    closable_at_s=0,
)
GOOD = Voucher(CHANNEL_ID, receipt_count=3, cumulative_fee_wei=400, receipts_root=LEDGER.root)


def sign(voucher: Voucher, key: Account = KEY, chain_id: int = CHAIN_ID) -> SignedVoucher:
    return SignedVoucher(voucher, key.sign_digest(voucher_digest(voucher, chain_id)))


def check(signed: SignedVoucher, channel: Channel = CHANNEL, provider: Address = PROVIDER) -> None:
    check_voucher(signed, channel=channel, ledger=LEDGER, provider=provider, chain_id=CHAIN_ID, call_wei=100)


def reason_of(signed: SignedVoucher, channel: Channel = CHANNEL, provider: Address = PROVIDER) -> str:
    with pytest.raises(PaymentRequiredError) as caught:
        check(signed, channel, provider)
    return caught.value.reason


def test_an_exact_voucher_pays() -> None:
    check(sign(GOOD))


def test_a_ceiling_up_to_the_deposit_pays() -> None:
    check(sign(replace(GOOD, cumulative_fee_wei=1_000)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"channel_id": Hash32(b"\x44" * 32)}, "wrong_channel"),
        ({"receipt_count": 2}, "wrong_count"),
        ({"receipt_count": 4}, "wrong_count"),
        ({"receipts_root": Hash32(bytes(32))}, "wrong_root"),
        ({"cumulative_fee_wei": 399}, "insufficient_voucher"),
        ({"cumulative_fee_wei": 1_001}, "above_deposit"),
    ],
)
def test_a_voucher_that_says_something_else_does_not_pay(changes: dict[str, object], reason: str) -> None:
    assert reason_of(sign(replace(GOOD, **changes))) == reason  # type: ignore[arg-type] # table of field values


def test_the_voucher_of_the_call_before_does_not_pay_again() -> None:
    before = Voucher(CHANNEL_ID, 2, 300, Hash32(b"\x32" * 32))
    assert reason_of(sign(before)) == "wrong_count"


def test_only_the_voucher_key_signs() -> None:
    assert reason_of(sign(GOOD, dev_account(6))) == "bad_signature"


def test_a_signature_for_another_chain_does_not_pay() -> None:
    assert reason_of(sign(GOOD, chain_id=1)) == "bad_signature"


def test_a_closing_channel_does_not_pay() -> None:
    assert reason_of(sign(GOOD), replace(CHANNEL, closable_at_s=99)) == "channel_closing"


def test_another_providers_channel_does_not_pay() -> None:
    assert reason_of(sign(GOOD), provider=dev_account(16).address) == "wrong_provider"


def test_the_refusal_names_the_terms() -> None:
    with pytest.raises(PaymentRequiredError) as caught:
        check(sign(replace(GOOD, cumulative_fee_wei=1)))
    assert caught.value.terms["minimumCumulativeFee"] == "400"
    assert caught.value.terms["receiptsRoot"] == "0x" + "33" * 32


@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1), st.binary(min_size=65, max_size=65))
def test_the_header_brings_back_what_was_signed(count: int, fee: int, signature: bytes) -> None:
    signed = SignedVoucher(Voucher(CHANNEL_ID, count, fee, LEDGER.root), signature)
    assert decode_voucher(encode_voucher(signed)) == signed
    assert decode_voucher(encode_voucher(signed).rstrip("=")) == signed


@given(
    st.text(max_size=60) | st.binary(max_size=60).map(lambda data: base64.urlsafe_b64encode(data).decode())
)
def test_any_other_header_is_refused_as_malformed(header: str) -> None:
    with pytest.raises(PaymentRequiredError) as caught:
        decode_voucher(header)
    assert caught.value.reason == "malformed_voucher"
