import contextlib
import lzma
import zlib
from pathlib import Path
from typing import Any

import orjson
import pytest
import rlp
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from openledger_node.cli.rollup import decode_file
from openledger_node.errors import UserError
from openledger_node.l1.inspection import Chain, describe, read_input
from rollup_bridge.codec.batch import encode_singular_batch
from rollup_bridge.codec.blob import encode_blob
from rollup_bridge.codec.channel import compress_channel
from rollup_bridge.codec.frame import encode_frame, encode_frames, split_channel
from tests.rollup_bridge.codec.span_encoder import encode_span
from tests.rollup_bridge.codec.test_batch import ONE
from tests.rollup_bridge.codec.test_span_batch import CHAIN_ID, OP_MAINNET, TRANSACTIONS, VECTOR, span

CHAIN = Chain(CHAIN_ID, 500, 2)
BATCHES = [encode_singular_batch(ONE), span()]
CHANNEL = compress_channel(BATCHES)
FRAMES = split_channel(b"c" * 16, CHANNEL, 60)
SIGNER = Account.from_key(b"\x01" * 32)


def signed(data: bytes, **changes: Any) -> bytes:
    fields = {"to": b"\xff" * 20, "value": 0, "nonce": 7, "gas": 100_000, "data": data, "chainId": 5}
    fields |= {"maxFeePerGas": 9, "maxPriorityFeePerGas": 1} if "gasPrice" not in changes else {}
    return bytes(SIGNER.sign_transaction(fields | changes).raw_transaction)


def test_the_real_channel_is_shown_exactly() -> None:
    """OP Mainnet, June 2024. What is shown encodes back to the very bytes that were posted."""
    if not VECTOR.exists():
        pytest.skip(f"{VECTOR} is not here")
    channel = read_input(VECTOR.read_bytes())
    assert channel == read_input(lzma.decompress(VECTOR.read_bytes()))
    shown = describe("channel", channel, Chain(OP_MAINNET, 1_686_789_347, 2))
    assert shown["summary"] == {"frames": 0, "batches": 1, "blocks": 143, "transactions": 1766}
    (batch,) = shown["batches"]
    assert sum(epoch["blocks"] for epoch in batch["epochs"]) == 143
    assert (batch["epochs"][0]["number"], batch["blocks"][0]["timestamp"]) == (20_089_746, 1_719_085_081)
    transactions = [each for block in batch["blocks"] for each in block["transactions"]]
    assert not any("error" in each for each in transactions), "every signature is one"
    again = encode_span(
        relative_time_s=batch["relativeTimestamp"],
        parent_check=bytes.fromhex(batch["parentCheck"][2:]),
        origin_check=bytes.fromhex(batch["l1OriginCheck"][2:]),
        blocks=[
            (block["epochNumber"], [bytes.fromhex(each["raw"][2:]) for each in block["transactions"]])
            for block in batch["blocks"]
        ],
    )
    assert rlp.encode(again) == zlib.decompress(channel)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (signed(encode_frames(FRAMES)), "tx"),
        (signed(encode_frames(FRAMES), gasPrice=3), "tx"),
        (encode_frames(FRAMES), "data"),
        (encode_blob(encode_frames(FRAMES)), "data"),
        (b"".join(map(encode_frame, FRAMES)), "frame"),
        (CHANNEL, "channel"),
        (rlp.decode(zlib.decompress(CHANNEL), strict=False), "batch"),
    ],
)
def test_every_kind_leads_to_the_same_batches(raw: bytes, kind: Any) -> None:
    shown = describe(kind, raw, CHAIN)
    (channel,) = shown.get("channels", [shown])
    first, *rest = channel["batches"]
    assert (first["epochs"][0]["number"], first["blocks"][0]["timestamp"]) == (7, 99)
    if rest:
        blocks = rest[0]["blocks"]
        assert [block["timestamp"] for block in blocks] == [1500, 1502, 1504]
        assert [t["raw"] for block in blocks for t in block["transactions"]] == [
            "0x" + raw.hex() for raw in TRANSACTIONS
        ]
    orjson.dumps(shown)


def test_a_transaction_names_its_sender_and_its_frames() -> None:
    shown = describe("tx", signed(encode_frames(FRAMES[:1])), CHAIN)
    assert shown["transaction"]["from"] == SIGNER.address.lower()
    assert (shown["transaction"]["type"], shown["transaction"]["nonce"]) == (2, 7)
    assert (len(shown["frames"]), shown["frames"][0]["isLast"]) == (1, False)
    assert not shown["channels"][0]["complete"]


def test_a_transaction_that_is_no_batchers_says_why() -> None:
    shown = describe("tx", signed(b"hello"), CHAIN)
    assert shown["payloads"] == [
        {"size": 5, "frames": 0, "error": "not a batcher transaction of a known version"}
    ]


def test_damage_is_named_and_what_is_before_it_shown() -> None:
    plain = rlp.encode(BATCHES[0]) + rlp.encode(b"\x07unknown") + rlp.encode(BATCHES[1])
    shown = describe("channel", zlib.compress(plain), CHAIN)
    assert [batch.get("error") for batch in shown["batches"]] == [None, "unknown batch type"]
    assert "error" in shown
    assert "error" in describe("channel", b"\x05rubbish", CHAIN)


@pytest.mark.parametrize("kind", ["tx", "data", "frame", "batch"])
@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\xff" * 40, b"\x02\xc0", b"\xc0", b"\xc1\xff", b"\x03\xc1\xc0"]
)
def test_what_is_not_of_its_kind_is_refused(kind: Any, data: bytes) -> None:
    with pytest.raises(UserError):
        describe(kind, data, CHAIN)


@given(st.binary(max_size=200), st.sampled_from(["tx", "data", "frame", "channel", "batch"]))
def test_anything_is_shown_or_refused(data: bytes, kind: Any) -> None:
    with contextlib.suppress(UserError):
        orjson.dumps(describe(kind, data, CHAIN))


@pytest.mark.parametrize("text", [b"0x0102ff", b"0102FF\n", b" 01 02\n\tff", b"\x01\x02\xff"])
def test_hex_or_binary(text: bytes) -> None:
    assert read_input(text) == b"\x01\x02\xff"
    assert read_input(lzma.compress(text)) == b"\x01\x02\xff"


def test_a_damaged_xz_file_is_refused() -> None:
    with pytest.raises(UserError, match="xz"):
        read_input(lzma.compress(b"00" * 500)[:-40] + b"x" * 40)


def test_the_command_reads_a_file(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    (tmp_path / "data.hex").write_text("0x" + encode_frames(FRAMES).hex() + "\n")
    decode_file(tmp_path / "data.hex", "data", chain_id=CHAIN_ID, genesis_time_s=500, block_time_s=2)
    assert orjson.loads(capsysbinary.readouterr().out)["summary"]["transactions"] == 6
    with pytest.raises(UserError, match="cannot read"):
        decode_file(tmp_path / "none", "data", chain_id=1, genesis_time_s=0, block_time_s=2)
