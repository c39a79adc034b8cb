"""The forward pass of a Llama- or Qwen-family decoder over flat rows, with adapters added where they apply.

Written out instead of taken from `transformers`: rows of many sequences share one pass, projections that
share an input are one product, and adapters join per row. Equality with `transformers` and `peft` is tested.
"""

from pathlib import Path
from typing import Protocol

import torch
from torch.nn.functional import embedding, linear, rms_norm, silu

from workers.serving.model.attention import attend, plan_attention
from workers.serving.model.batch import Batch
from workers.serving.model.lanes import LaneCache
from workers.serving.model.shape import ModelShape, read_shape
from workers.serving.model.weights import LayerWeights, Weights, load_weights

Tensor = torch.Tensor
QKV, OUTPUT, GATE_UP, DOWN = range(4)
"""The four products of a block to which adapters add."""


class RowAdapters(Protocol):
    """The adapters of one batch's rows."""

    def add(self, layer: int, product: int, inputs: Tensor, outputs: Tensor) -> None:
        """Add each row's low-rank term to `outputs` in place."""


class Transformer:
    """One base in memory; `forward` is called by one thread at a time."""

    def __init__(self, shape: ModelShape, weights: Weights, max_length: int) -> None:
        self.shape, self.weights = shape, weights
        self.dtype, self.device = weights.embedding.dtype, weights.embedding.device
        self._cosines, self._sines = _rotary_tables(shape, max_length, self.dtype, self.device)

    @classmethod
    def load(
        cls, folder: Path, *, max_length: int, dtype: torch.dtype | None = None, device: str = "cpu"
    ) -> "Transformer":
        """From a Hugging Face folder; raises BadRequestError for a model that is not served."""
        shape = read_shape(folder)
        return cls(shape, load_weights(folder, shape, dtype or shape.dtype, torch.device(device)), max_length)

    @torch.inference_mode()
    def forward(self, batch: Batch, cache: LaneCache, adapters: RowAdapters | None) -> Tensor:
        """Logits (len(logit_rows), vocabulary) in float32; writes the rows' keys and values to the cache."""
        shape = self.shape
        hidden = embedding(batch.tokens, self.weights.embedding)
        cosines, sines = self._cosines[batch.positions], self._sines[batch.positions]
        plan = plan_attention(batch, shape.heads // shape.key_value_heads, self.dtype)
        for number, layer in enumerate(self.weights.layers):
            normed = rms_norm(hidden, (shape.hidden,), layer.input_norm, shape.epsilon)
            qkv = _product(normed, layer.qkv, layer.qkv_bias, adapters, (number, QKV))
            queries, keys, values = self._heads(layer, qkv, cosines, sines)
            cache.keys(number)[batch.lanes, batch.positions] = keys
            cache.values(number)[batch.lanes, batch.positions] = values
            attended = attend(plan, batch, cache, number, queries)
            hidden = hidden + _product(attended, layer.output, layer.output_bias, adapters, (number, OUTPUT))
            normed = rms_norm(hidden, (shape.hidden,), layer.attention_norm, shape.epsilon)
            gate_up = _product(normed, layer.gate_up, layer.gate_up_bias, adapters, (number, GATE_UP))
            gate, up = gate_up[:, : shape.intermediate], gate_up[:, shape.intermediate :]
            hidden = hidden + _product(silu(gate) * up, layer.down, layer.down_bias, adapters, (number, DOWN))
        last = rms_norm(hidden[batch.logit_rows], (shape.hidden,), self.weights.norm, shape.epsilon)
        return linear(last, self.weights.head).float()

    def _heads(
        self, layer: LayerWeights, qkv: Tensor, cosines: Tensor, sines: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Rotated queries and keys, and values: (rows, heads, size) each."""
        shape = self.shape
        heads = qkv.view(len(qkv), shape.heads + 2 * shape.key_value_heads, shape.head_size)
        values_from = shape.heads + shape.key_value_heads
        rotating, values = heads[:, :values_from], heads[:, values_from:]
        if layer.query_norm is not None:
            size = (shape.head_size,)
            queries = rms_norm(rotating[:, : shape.heads], size, layer.query_norm, shape.epsilon)
            keys = rms_norm(rotating[:, shape.heads :], size, layer.key_norm, shape.epsilon)
            rotating = torch.cat((queries, keys), dim=1)
        rotated = _rotate(rotating, cosines, sines)
        return rotated[:, : shape.heads], rotated[:, shape.heads :], values


def _product(
    inputs: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    adapters: RowAdapters | None,
    place: tuple[int, int],
) -> Tensor:
    outputs = linear(inputs, weight, bias)
    if adapters is not None:
        adapters.add(*place, inputs, outputs)
    return outputs


def _rotate(heads: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Rotary positions in the half-split layout: (rows, heads, size) by (rows, 1, size)."""
    half = heads.shape[-1] // 2
    turned = torch.cat((-heads[..., half:], heads[..., :half]), dim=-1)
    return heads * cosines + turned * sines


def _rotary_tables(
    shape: ModelShape, max_length: int, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    positions = torch.arange(max_length, dtype=torch.float32)
    angles = torch.outer(positions, torch.tensor(shape.inverse_frequencies)).repeat(1, 2)
    cosines, sines = (table * shape.rotary_scaling for table in (angles.cos(), angles.sin()))
    return cosines[:, None, :].to(device, dtype), sines[:, None, :].to(device, dtype)
