"""Whether a batch may become the next L2 block.

Every rule is one line of the table in the order of the specification; `reason` names the rule that decided.
Source: OP Stack specification, derivation, "Batch Queue"; Holocene, "Batch Queue" (past and drop, no future).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from genesis.spec import RollupConfig
from rollup_bridge.codec.batch import SingularBatch
from rollup_bridge.codec.span_batch import SpanBatch
from rollup_bridge.ports import L1Block, L2Reference

DEPOSIT_TYPE = 0x7E
_LAST_KNOWN_TYPE = 4
_FIRST_LEGACY_BYTE = 0xC0


class Validity(Enum):
    """`PAST` is skipped; `DROP` also drops the rest of the channel; `UNDECIDED` lacks an L1 block."""

    ACCEPT = "accept"
    DROP = "drop"
    PAST = "past"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Verdict:
    validity: Validity
    reason: str


_ACCEPTED = Verdict(Validity.ACCEPT, "")


def _drop(reason: str) -> Verdict:
    return Verdict(Validity.DROP, reason)


def check_singular_batch(
    config: RollupConfig,
    epochs: Sequence[L1Block],
    parent: L2Reference,
    batch: SingularBatch,
    inclusion_number: int,
) -> Verdict:
    """`epochs` begins at the parent's L1 origin (or the one after it) and ends at the L1 block being read."""
    expected_s = parent.timestamp_s + config.block_time_s
    if batch.timestamp_s > expected_s:
        return _drop("a block is missing before it")
    if batch.timestamp_s < expected_s:
        return Verdict(Validity.PAST, "its time has been derived already")
    if batch.parent_hash != parent.hash:
        return _drop("it builds on another parent")
    if batch.epoch_number + config.sequencing_window < inclusion_number:
        return _drop("the sequencing window of its epoch is over")
    step = batch.epoch_number - epochs[0].number
    if step not in (0, 1):
        return _drop("its epoch neither stays nor moves by one")
    if step >= len(epochs):
        return Verdict(Validity.UNDECIDED, "the next epoch is not known yet")
    origin = epochs[step]
    if batch.epoch_hash != origin.hash:
        return _drop("its epoch is on another L1 chain")
    if batch.timestamp_s < origin.timestamp_s:
        return _drop("it is older than its L1 origin")
    drift = _check_drift(config, epochs, batch, step)
    return drift if drift is not None else check_transactions(batch.transactions)


def _check_drift(
    config: RollupConfig, epochs: Sequence[L1Block], batch: SingularBatch, step: int
) -> Verdict | None:
    if batch.timestamp_s <= epochs[step].timestamp_s + config.max_sequencer_drift_s:
        return None
    if batch.transactions:
        return _drop("the sequencer drifted and may only build empty blocks")
    if step == 1:
        return None
    if len(epochs) == 1:
        return Verdict(Validity.UNDECIDED, "the next epoch is not known yet")
    if batch.timestamp_s >= epochs[1].timestamp_s:
        return _drop("the sequencer drifted and could have moved to the next epoch")
    return None


def check_transactions(transactions: Sequence[bytes]) -> Verdict:
    """Which bytes may not even be tried; everything else is the engine's to judge."""
    for raw in transactions:
        if not raw:
            return _drop("a transaction is empty")
        if raw[0] == DEPOSIT_TYPE:
            return _drop("a transaction is a deposit")
        if _LAST_KNOWN_TYPE < raw[0] < _FIRST_LEGACY_BYTE:
            return _drop("a transaction has an unknown type")
    return _ACCEPTED


@dataclass(frozen=True, slots=True)
class SpanTimes:
    """First and last timestamp of a span batch."""

    first_s: int
    last_s: int


def check_span_time(config: RollupConfig, times: SpanTimes, parent: L2Reference) -> Verdict:
    """Holocene: neither a gap before the span nor a span that is derived already."""
    expected_s = parent.timestamp_s + config.block_time_s
    if times.first_s > expected_s:
        return _drop("a block is missing before the span")
    if times.last_s < expected_s:
        return Verdict(Validity.PAST, "the span has been derived already")
    if times.first_s < expected_s and (parent.timestamp_s - times.first_s) % config.block_time_s:
        return _drop("the span's times do not fit the chain's")
    return _ACCEPTED


def check_span_prefix(
    config: RollupConfig,
    epochs: Sequence[L1Block],
    span: SpanBatch,
    span_parent: L2Reference,
    inclusion_number: int,
) -> Verdict:
    """What must hold for a span as a whole; its blocks are judged one by one later."""
    first, last = span.blocks[0].epoch_number, span.blocks[-1].epoch_number
    if span.parent_check != span_parent.hash[:20]:
        return _drop("the span builds on another parent")
    if first + config.sequencing_window < inclusion_number:
        return _drop("the sequencing window of the span's first epoch is over")
    if first > span_parent.l1_origin.number + 1:
        return _drop("the span's first epoch skips one")
    known = {block.number: block for block in epochs}
    if last not in known:
        return Verdict(Validity.UNDECIDED, "the span's last epoch is not known")
    if span.l1_origin_check != known[last].hash[:20]:
        return _drop("the span's last epoch is on another L1 chain")
    if first < span_parent.l1_origin.number:
        return _drop("the span's first epoch goes back")
    return _ACCEPTED
