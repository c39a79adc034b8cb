"""How rows attend: all decoding sequences in one call over their lanes, each prompt piece by itself.

Queries that share a key head are folded into the query's length, so grouped-query attention copies nothing.
"""

from dataclasses import dataclass

import torch
from torch.nn.functional import scaled_dot_product_attention

from workers.serving.model.batch import Batch, Span
from workers.serving.model.lanes import LaneCache

Tensor = torch.Tensor


@dataclass(frozen=True, slots=True)
class AttentionPlan:
    """Masks of one batch, the same for all layers. `row_of_lane` is None when lanes are rows already."""

    lanes: int
    length: int
    decode_mask: Tensor | None
    row_of_lane: Tensor | None
    span_masks: tuple[Tensor | None, ...]


def plan_attention(batch: Batch, groups: int, dtype: torch.dtype) -> AttentionPlan:
    """Masks for decoding rows (lanes, 1, groups, length) and prompt pieces (groups · rows, length)."""
    span_masks = tuple(_span_mask(span, groups, batch.tokens.device, dtype) for span in batch.spans)
    if not batch.decode_rows:
        return AttentionPlan(0, 0, None, None, span_masks)
    device = batch.tokens.device
    lanes, length = max(batch.decode_lanes) + 1, int(batch.decode_lengths.max())
    is_compact = batch.decode_lanes == tuple(range(lanes))
    row_of_lane = None
    lengths = batch.decode_lengths
    if not is_compact:
        row_of_lane = torch.tensor(batch.decode_lanes, device=device)
        lengths = torch.ones(lanes, dtype=torch.long, device=device).index_put((row_of_lane,), lengths)
    mask = _additive(torch.arange(length, device=device)[None, :] < lengths[:, None], dtype)
    return AttentionPlan(
        lanes, length, mask[:, None, None, :].expand(lanes, 1, groups, length), row_of_lane, span_masks
    )


def _additive(visible: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.zeros(visible.shape, dtype=dtype, device=visible.device).masked_fill_(~visible, -torch.inf)


def _span_mask(span: Span, groups: int, device: torch.device, dtype: torch.dtype) -> Tensor | None:
    rows = span.last - span.first
    length = span.start + rows
    if rows == 1:
        return None
    positions = torch.arange(span.start, length, device=device)
    return _additive(torch.arange(length, device=device)[None, :] <= positions[:, None], dtype).repeat(
        groups, 1
    )


def attend(plan: AttentionPlan, batch: Batch, cache: LaneCache, layer: int, queries: Tensor) -> Tensor:
    """Attention outputs (rows, heads · size) for queries (rows, heads, size); their keys are cached."""
    rows, heads, size = queries.shape
    keys, values = cache.keys(layer), cache.values(layer)
    output = torch.empty(rows, heads * size, dtype=queries.dtype, device=queries.device)
    if batch.decode_rows:
        output[: batch.decode_rows] = _decode(plan, queries[: batch.decode_rows], keys, values)
    for span, mask in zip(batch.spans, plan.span_masks, strict=True):
        output[span.first : span.last] = _prefill(span, mask, queries[span.first : span.last], keys, values)
    return output


def _decode(plan: AttentionPlan, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    _rows, heads, size = queries.shape
    key_value_heads = keys.shape[2]
    if plan.row_of_lane is not None:
        spread = torch.zeros(plan.lanes, heads, size, dtype=queries.dtype, device=queries.device)
        spread[plan.row_of_lane] = queries
        queries = spread
    found = scaled_dot_product_attention(
        queries.view(plan.lanes, key_value_heads, heads // key_value_heads, size),
        keys[: plan.lanes, : plan.length].transpose(1, 2),
        values[: plan.lanes, : plan.length].transpose(1, 2),
        attn_mask=plan.decode_mask,
    ).reshape(plan.lanes, heads * size)
    return found if plan.row_of_lane is None else found[plan.row_of_lane]


def _prefill(span: Span, mask: Tensor | None, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    rows, heads, size = queries.shape
    key_value_heads = keys.shape[2]
    groups = heads // key_value_heads
    length = span.start + rows
    folded = queries.view(rows, key_value_heads, groups, size).permute(1, 2, 0, 3)
    found = scaled_dot_product_attention(
        folded.reshape(1, key_value_heads, groups * rows, size),
        keys[span.lane, :length].transpose(0, 1)[None],
        values[span.lane, :length].transpose(0, 1)[None],
        attn_mask=mask,
    )
    return found.view(key_value_heads, groups, rows, size).permute(2, 0, 1, 3).reshape(rows, heads * size)
