"""A provider's word for the passages it shows: what it signs can be read again, and nothing else passes."""

from copy import deepcopy
from typing import Any

import pytest

from genesis.keccak import keccak256
from genesis.typed_data import Explanation
from genesis.types import Hash32
from openledger_node.client.account import dev_account
from openledger_node.client.errors import DishonestReceiptError
from openledger_node.client.explanations import (
    check_explanation,
    is_in_answer,
    output_of,
    read_signed,
    sign_explanation,
    signer_of,
    span_of,
)
from openledger_node.errors import UserError

CHAIN_ID = 31338
PROVIDER = dev_account(12)
CHANNEL, SALT = Hash32(b"\x21" * 32), b"\x22" * 32
TEXT = "Überall steht “dasselbe” geschrieben"
TOKENS = [5, 6, 7]
SHOWN = [
    {"start": 8, "end": 24, "text": TEXT[8:24], "record": 4, "offset": 11},
    {"start": 0, "end": 7, "text": TEXT[:7], "record": 0, "offset": 0},
]


def answer(
    shown: list[dict[str, Any]] = SHOWN, number: int = 3, output: bytes | None = None
) -> dict[str, Any]:
    """What a gateway sends beside an answer."""
    hashed = keccak256(output or output_of(SALT, TEXT, TOKENS))
    about = Explanation(CHANNEL, number, 9, hashed)
    return {
        "receipt": {
            "channelId": "0x" + CHANNEL.hex(),
            "number": 3,
            "outputSalt": "0x" + SALT.hex(),
        },
        "responseTokens": TOKENS,
        "attribution": {
            "spans": shown,
            "signed": sign_explanation(about, shown, TEXT, PROVIDER, CHAIN_ID),
        },
    }


def test_what_is_signed_is_read_and_checked() -> None:
    paid = answer()
    assert check_explanation(paid, TEXT, PROVIDER.address, CHAIN_ID) == 2
    signed = read_signed(paid["attribution"]["signed"])
    assert signer_of(signed, CHAIN_ID) == PROVIDER.address
    assert signer_of(signed, CHAIN_ID + 1) != PROVIDER.address
    assert signed.spans == tuple(span_of(each, TEXT) for each in SHOWN)
    assert TEXT.encode()[signed.spans[0].start : signed.spans[0].end].decode() == TEXT[8:24]
    assert all(is_in_answer(span, TEXT) for span in signed.spans)
    assert not any(is_in_answer(span, TEXT[1:]) for span in signed.spans)


def test_nothing_shown_needs_no_signature() -> None:
    assert check_explanation({"receipt": {}}, TEXT, PROVIDER.address, CHAIN_ID) is None
    assert check_explanation({"attribution": {"spans": []}}, TEXT, PROVIDER.address, CHAIN_ID) is None


def refused(paid: dict[str, Any], text: str = TEXT) -> str:
    with pytest.raises(DishonestReceiptError) as error:
        check_explanation(paid, text, PROVIDER.address, CHAIN_ID)
    return str(error.value)


def test_another_word_is_refused() -> None:
    unsigned = answer()
    del unsigned["attribution"]["signed"]
    assert "did not sign" in refused(unsigned)
    assert "another answer" in refused(answer(number=2))
    assert "another answer" in refused(answer(output=b"else"))
    assert "another answer" in refused(answer(), TEXT + "!")
    moved = answer()
    moved["attribution"]["signed"]["spans"][0]["record"] = 5
    assert "not signed by" in refused(moved)
    more = answer()
    more["attribution"]["spans"] = [*SHOWN, SHOWN[0]]
    assert "other passages" in refused(more)


def test_what_is_no_explanation_is_said_to_be_none() -> None:
    whole = answer()["attribution"]["signed"]
    for name in whole:
        part = deepcopy(whole)
        del part[name]
        with pytest.raises(UserError, match="not a signed explanation"):
            read_signed(part)
