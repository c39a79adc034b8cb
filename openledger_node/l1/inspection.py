"""What bytes that a batcher posted say, as JSON for people: transactions, frames, channels, batches.

Covered: anything, however damaged. What can be read is shown, and `error` says where reading ended.
Not covered: whether derivation would take it: that depends on the chain (`rollup_bridge.derive`).
"""

import lzma
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from openledger_node.errors import UserError
from openledger_node.evm.errors import TransactionError
from openledger_node.evm.transactions import decode_transaction
from openledger_node.l1.raw_transaction import RawL1Transaction, decode_l1_transaction
from rollup_bridge.codec.batch import SINGULAR_BATCH, SPAN_BATCH, SingularBatch, decode_singular_batch
from rollup_bridge.codec.blob import BLOB_BYTES, decode_blob
from rollup_bridge.codec.channel import MAX_CHANNEL_RLP_BYTES, compression_of, decompress, split_batches
from rollup_bridge.codec.frame import DERIVATION_VERSION, Frame, decode_frames
from rollup_bridge.codec.span_batch import SpanBatch, decode_span_batch
from rollup_bridge.errors import MalformedError

Json = dict[str, Any]
Kind = Literal["tx", "data", "frame", "channel", "batch"]
_XZ = b"\xfd7zXZ\x00"
_MAX_INPUT_BYTES = 200_000_000
_HEX = re.compile(rb"\s*(?:0[xX])?((?:[0-9a-fA-F]|\s)*)\s*")


@dataclass(frozen=True, slots=True)
class Chain:
    """What a span batch leaves out of an L2's transactions and times."""

    chain_id: int
    genesis_time_s: int
    block_time_s: int


def read_input(content: bytes) -> bytes:
    """The bytes of a file that holds them as they are, in hex (white space and `0x` allowed), or in xz."""
    if content.startswith(_XZ):
        try:
            content = lzma.LZMADecompressor().decompress(content, _MAX_INPUT_BYTES)
        except lzma.LZMAError as error:
            raise UserError(f"the xz file is damaged: {error}") from None
    text = _HEX.fullmatch(content)
    digits = b"".join(text[1].split()) if text else b""
    return bytes.fromhex(digits.decode()) if digits and len(digits) % 2 == 0 else content


def describe(kind: Kind, data: bytes, chain: Chain) -> Json:
    """Everything below one piece of data. Raises `UserError` if it is not of that kind at all."""
    if not data:
        raise UserError("there is nothing in it", "give hex or binary")
    readers: dict[Kind, Callable[[bytes, Chain], Json]] = {
        "tx": _transaction,
        "data": _data,
        "frame": _frame,
        "channel": _channel,
        "batch": _batch_or_refuse,
    }
    try:
        shown = readers[kind](data, chain)
    except MalformedError as error:
        raise UserError(f"this is no {kind}: {error}") from None
    return {"kind": kind, "chainId": chain.chain_id, "summary": _summary(shown), **shown}


def _summary(shown: Json) -> Json:
    channels = shown.get("channels", [shown])
    batches = [batch for channel in channels for batch in channel["batches"]]
    return {
        "frames": len(shown.get("frames", ())),
        "batches": len(batches),
        "blocks": sum(batch.get("blockCount", 0) for batch in batches),
        "transactions": sum(batch.get("transactionCount", 0) for batch in batches),
    }


def _transaction(raw: bytes, chain: Chain) -> Json:
    transaction = decode_l1_transaction(raw)
    payloads = _payloads(transaction)
    frames = [frame for payload in payloads for frame in _frames_or_none(payload)]
    return {
        "transaction": _l1_transaction(transaction),
        "payloads": [_payload(payload) for payload in payloads],
        **_frames(frames, chain),
    }


def _payloads(transaction: RawL1Transaction) -> list[bytes]:
    """Calldata, or what the blobs carry where the transaction comes with them."""
    if transaction.type != 3:
        return [transaction.data]
    found = []
    for blob in transaction.blobs:
        try:
            found.append(decode_blob(blob))
        except MalformedError:
            found.append(b"")
    return found


def _data(data: bytes, chain: Chain) -> Json:
    """Calldata of a batcher transaction, or one whole blob."""
    is_blob = len(data) == BLOB_BYTES and data[1] == DERIVATION_VERSION
    payload = decode_blob(data) if is_blob else data
    return {"source": "blob" if is_blob else "calldata", **_frames(decode_frames(payload), chain)}


def _frame(data: bytes, chain: Chain) -> Json:
    """One frame or several, without the version byte in front."""
    return _frames(decode_frames(bytes([DERIVATION_VERSION]) + data), chain)


def _payload(payload: bytes) -> Json:
    shown: Json = {"size": len(payload), "frames": len(_frames_or_none(payload))}
    try:
        decode_frames(payload)
    except MalformedError as error:
        shown["error"] = str(error)
    return shown


def _frames_or_none(payload: bytes) -> tuple[Frame, ...]:
    try:
        return decode_frames(payload)
    except MalformedError:
        return ()


def _frames(frames: Sequence[Frame], chain: Chain) -> Json:
    ordered = sorted(frames, key=lambda frame: frame.channel_id)
    groups = {name: list(found) for name, found in groupby(ordered, lambda frame: frame.channel_id)}
    names = dict.fromkeys(frame.channel_id for frame in frames)
    return {
        "frames": [
            {
                "channelId": _hex(frame.channel_id),
                "number": frame.number,
                "size": len(frame.data),
                "isLast": frame.is_last,
            }
            for frame in frames
        ],
        "channels": [{"channelId": _hex(name), **_assembled(groups[name], chain)} for name in names],
    }


def _assembled(frames: Iterable[Frame], chain: Chain) -> Json:
    """A channel out of the frames that are here, from its first one on without a gap."""
    pieces: list[bytes] = []
    complete = False
    for frame in sorted(frames, key=lambda frame: frame.number):
        if complete or frame.number != len(pieces):
            break
        pieces.append(frame.data)
        complete = frame.is_last
    return {"complete": complete, **_channel(b"".join(pieces), chain)}


def _channel(data: bytes, chain: Chain) -> Json:
    """All batches, up to the first that cannot be read: derivation reads no further either."""
    plain = decompress(data, MAX_CHANNEL_RLP_BYTES)
    shown: Json = {
        "compression": compression_of(data),
        "compressedSize": len(data),
        "size": len(plain),
        "batches": [],
    }
    for batch in split_batches(plain):
        shown["batches"].append(_batch(batch, chain))
        if "error" in shown["batches"][-1]:
            shown["error"] = "a batch cannot be read; what follows it is ignored"
            break
    else:
        if not shown["batches"]:
            shown["error"] = "no batch can be read"
    return shown


def _batch_or_refuse(data: bytes, chain: Chain) -> Json:
    shown = _batch(data, chain)
    if "error" in shown:
        raise UserError(f"this is not a batch: {shown['error']}")
    return {"batches": [shown]}


def _batch(data: bytes, chain: Chain) -> Json:
    try:
        if data[:1] == bytes([SINGULAR_BATCH]):
            return _singular(decode_singular_batch(data), chain)
        if data[:1] == bytes([SPAN_BATCH]):
            return _span(decode_span_batch(data, chain.chain_id), chain)
    except MalformedError as error:
        return {"type": data[0], "size": len(data), "error": str(error)}
    return {"type": data[0] if data else None, "size": len(data), "error": "unknown batch type"}


def _singular(batch: SingularBatch, chain: Chain) -> Json:
    return {
        "type": SINGULAR_BATCH,
        "parentHash": _hex(batch.parent_hash),
        "epochs": [{"number": batch.epoch_number, "hash": _hex(batch.epoch_hash), "blocks": 1}],
        "blockCount": 1,
        "transactionCount": len(batch.transactions),
        "blocks": [
            _block(batch.timestamp_s, batch.epoch_number, batch.transactions, chain),
        ],
    }


def _span(batch: SpanBatch, chain: Chain) -> Json:
    return {
        "type": SPAN_BATCH,
        "relativeTimestamp": batch.relative_time_s,
        "parentCheck": _hex(batch.parent_check),
        "l1OriginCheck": _hex(batch.l1_origin_check),
        "epochs": [
            {"number": number, "blocks": len(list(blocks))}
            for number, blocks in groupby(batch.blocks, lambda block: block.epoch_number)
        ],
        "blockCount": len(batch.blocks),
        "transactionCount": sum(len(block.transactions) for block in batch.blocks),
        "blocks": [
            _block(
                batch.time_s(index, chain.genesis_time_s, chain.block_time_s),
                block.epoch_number,
                block.transactions,
                chain,
            )
            for index, block in enumerate(batch.blocks)
        ],
    }


def _block(timestamp_s: int, epoch_number: int, transactions: Sequence[bytes], chain: Chain) -> Json:
    return {
        "timestamp": timestamp_s,
        "epochNumber": epoch_number,
        "transactions": [_l2_transaction(raw, chain.chain_id) for raw in transactions],
    }


def _l2_transaction(raw: bytes, chain_id: int) -> Json:
    try:
        found = decode_transaction(raw, chain_id)
    except TransactionError as error:
        return {"error": str(error), "raw": _hex(raw)}
    return {
        "hash": _hex(found.hash),
        "type": found.type,
        "from": _hex(found.sender),
        "to": None if found.to is None else _hex(found.to),
        "nonce": found.nonce,
        "value": str(found.value_wei),
        "gas": found.gas,
        "raw": _hex(raw),
    }


def _l1_transaction(transaction: RawL1Transaction) -> Json:
    return {
        "hash": _hex(transaction.hash),
        "type": transaction.type,
        "from": _hex(transaction.sender),
        "to": None if transaction.to is None else _hex(transaction.to),
        "nonce": transaction.nonce,
        "blobVersionedHashes": [_hex(each) for each in transaction.blob_hashes],
        "dataSize": len(transaction.data),
    }


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
