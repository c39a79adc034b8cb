"""Which batch comes next on top of a parent: one read from L1, or an empty one when the window is over.

Source: OP Stack specification, derivation, "Batch Queue"; Holocene, "Batch Queue" (one batch at a time).
"""

from collections.abc import Iterator

from genesis.spec import RollupConfig
from genesis.types import ZERO_HASH
from rollup_bridge.codec.batch import SingularBatch
from rollup_bridge.codec.span_batch import SpanBatch
from rollup_bridge.derive.batch_rules import (
    SpanTimes,
    Validity,
    Verdict,
    check_singular_batch,
    check_span_prefix,
    check_span_time,
)
from rollup_bridge.derive.channel_reader import ChannelReader
from rollup_bridge.derive.references import reference
from rollup_bridge.errors import CriticalError, ResetError, TemporaryError
from rollup_bridge.ports import L1Block, L2Blocks, L2Reference


class BatchQueue:
    """`dropped` counts refused batches by reason, for whoever wants to show them."""

    def __init__(self, config: RollupConfig, batches: ChannelReader, l2: L2Blocks, base: L1Block) -> None:
        self._config = config
        self._batches = batches
        self._l2 = l2
        self._origin = base
        self._epochs: list[L1Block] = [base]
        self._span: Iterator[SingularBatch] = iter(())
        self._held: SingularBatch | SpanBatch | None = None
        self.dropped: dict[str, int] = {}

    async def next(self, parent: L2Reference, origin: L1Block) -> SingularBatch | None:
        """The batch for the block after `parent`, or None when the data up to L1 block `origin` is used
        up."""
        self._move_to(origin, parent)
        if origin.number <= parent.l1_origin.number:
            while self._batches.next(origin.number) is not None:
                pass  # batches included up to the parent's own origin can only be past ones
            return None
        self._check_epochs(parent)
        while (candidate := await self._candidate(parent)) is not None:
            verdict = check_singular_batch(self._config, self._epochs, parent, candidate, origin.number)
            if verdict.validity is Validity.ACCEPT:
                return candidate
            self._refuse(verdict)
        return self._empty_batch(parent, origin)

    def flush_channel(self) -> None:
        """Drop whatever else the current channel holds."""
        self._span = iter(())
        self._held = None
        self._batches.flush()

    def _move_to(self, origin: L1Block, parent: L2Reference) -> None:
        """Keep the L1 blocks from the parent's origin on: the epochs the next batch may name."""
        if origin.number != self._origin.number:
            self._origin = origin
            if origin.number < parent.l1_origin.number:
                self._epochs.clear()
            else:
                self._epochs.append(origin)
        numbers = [block.number for block in self._epochs]
        if parent.l1_origin.number in numbers:
            del self._epochs[: numbers.index(parent.l1_origin.number)]

    def _check_epochs(self, parent: L2Reference) -> None:
        if len(self._epochs) < 2:
            raise CriticalError(f"derivation did not start at the L1 origin of L2 block {parent.number}")
        epoch = self._epochs[0]
        if parent.l1_origin != epoch.id and parent.l1_origin.number != epoch.number - 1:
            raise ResetError(f"L2 block {parent.number} has an L1 origin that was not read")

    async def _candidate(self, parent: L2Reference) -> SingularBatch | None:
        while True:
            following = next(self._span, None)
            if following is not None:
                return _on(parent, following)
            if self._held is None:
                self._held = self._batches.next(self._origin.number)
            if not isinstance(self._held, SpanBatch):
                candidate, self._held = self._held, None
                return candidate
            verdict = await self._check_span(parent, self._held)
            span, self._held = self._held, None
            if verdict.validity is not Validity.ACCEPT:
                self._refuse(verdict)
            else:
                self._span = self._blocks(span, parent)

    def _refuse(self, verdict: Verdict) -> None:
        self.dropped[verdict.reason] = self.dropped.get(verdict.reason, 0) + 1
        if verdict.validity is Validity.DROP:
            self.flush_channel()

    async def _check_span(self, parent: L2Reference, span: SpanBatch) -> Verdict:
        first_s, last_s = self._time_s(span, 0), self._time_s(span, len(span.blocks) - 1)
        verdict = check_span_time(self._config, SpanTimes(first_s, last_s), parent)
        if verdict.validity is not Validity.ACCEPT:
            return verdict
        overlap = (parent.timestamp_s + self._config.block_time_s - first_s) // self._config.block_time_s
        span_parent = await self._ancestor(parent, overlap)
        if span_parent is None:
            return Verdict(Validity.UNDECIDED, "the span begins before genesis")
        return check_span_prefix(self._config, self._epochs, span, span_parent, self._origin.number)

    async def _ancestor(self, parent: L2Reference, generations: int) -> L2Reference | None:
        number = parent.number - generations
        if generations == 0 or number < self._config.l2_genesis.number:
            return parent if generations == 0 else None
        block = await self._l2.block_by_number(number)
        if block is None:
            raise TemporaryError(f"L2 block {number} is not there")
        return reference(self._config, block)

    def _blocks(self, span: SpanBatch, parent: L2Reference) -> Iterator[SingularBatch]:
        """The blocks of a span that are still to come, one by one: there may be millions. An epoch that is
        not known gets no hash, and so fails like one on another L1 chain."""
        hashes = {block.number: block.hash for block in self._epochs}
        for index, block in enumerate(span.blocks):
            time_s = self._time_s(span, index)
            if time_s > parent.timestamp_s:
                epoch_hash = hashes.get(block.epoch_number, ZERO_HASH)
                yield SingularBatch(parent.hash, block.epoch_number, epoch_hash, time_s, block.transactions)

    def _time_s(self, span: SpanBatch, index: int) -> int:
        return span.time_s(index, self._config.l2_genesis_time_s, self._config.block_time_s)

    def _empty_batch(self, parent: L2Reference, origin: L1Block) -> SingularBatch | None:
        """With all data of `origin` used up: an empty block if the oldest epoch's window ends here.

        Blocks of one epoch are generated until the next epoch's time; each epoch gets at least one.
        """
        while len(self._epochs) > 1:
            epoch, following = self._epochs[0], self._epochs[1]
            if epoch.number + self._config.sequencing_window > origin.number:
                return None
            time_s = parent.timestamp_s + self._config.block_time_s
            first_of_epoch = epoch.number == parent.l1_origin.number + 1
            if time_s < following.timestamp_s or first_of_epoch:
                return SingularBatch(parent.hash, epoch.number, epoch.hash, time_s, ())
            del self._epochs[0]
        return None


def _on(parent: L2Reference, batch: SingularBatch) -> SingularBatch:
    """A span's block takes the hash its parent turned out to have."""
    return SingularBatch(
        parent.hash, batch.epoch_number, batch.epoch_hash, batch.timestamp_s, batch.transactions
    )
