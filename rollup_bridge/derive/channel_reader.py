"""How a complete channel is read batch by batch.

A batch of unknown type or bad form ends its channel: what follows it is not read.
Source: OP Stack specification, derivation, "Channel Reader (Batch Decoding)".
"""

from collections.abc import Iterator

from rollup_bridge.codec.batch import SINGULAR_BATCH, SPAN_BATCH, SingularBatch, decode_singular_batch
from rollup_bridge.codec.channel import read_channel
from rollup_bridge.codec.span_batch import SpanBatch, decode_span_batch
from rollup_bridge.derive.channel_assembler import ChannelAssembler
from rollup_bridge.errors import MalformedError


class ChannelReader:
    def __init__(self, channels: ChannelAssembler, l2_chain_id: int) -> None:
        self._channels = channels
        self._chain_id = l2_chain_id
        self._batches: Iterator[bytes] = iter(())

    def next(self, origin_number: int) -> SingularBatch | SpanBatch | None:
        """The next well-formed batch, or None when this L1 block's data is used up."""
        while True:
            encoded = next(self._batches, None)
            batch = None if encoded is None else self._decode(encoded)
            if batch is not None:
                return batch
            self._batches = iter(())
            channel = self._channels.next(origin_number)
            if channel is None:
                return None
            self._batches = read_channel(channel)

    def flush(self) -> None:
        """Drop the rest of the channel being read and the one being put together."""
        self._batches = iter(())
        self._channels.flush()

    def _decode(self, data: bytes) -> SingularBatch | SpanBatch | None:
        kind = data[0] if data else None
        try:
            if kind == SINGULAR_BATCH:
                return decode_singular_batch(data)
            if kind == SPAN_BATCH:
                return decode_span_batch(data, self._chain_id)
        except MalformedError:
            return None
        return None
