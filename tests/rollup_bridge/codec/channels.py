"""A channel read to its end, for tests."""

from rollup_bridge.codec.channel import MAX_CHANNEL_RLP_BYTES, read_channel


def batches_of(data: bytes, limit_bytes: int = MAX_CHANNEL_RLP_BYTES) -> tuple[bytes, ...]:
    return tuple(read_channel(data, limit_bytes))
