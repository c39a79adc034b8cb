"""How a base's tensors come into memory: safetensors only, projections that share an input joined in one.

Covered: sharded folders, tied embeddings, biases, wrong or missing tensors (named in the error).
Not covered: quantised bases.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from workers.serving.errors import BadRequestError
from workers.serving.model.shape import ModelShape

Tensor = torch.Tensor


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One block. `qkv` is (query + 2 key_value widths, hidden), `gate_up` (2 · intermediate, hidden)."""

    input_norm: Tensor
    qkv: Tensor
    qkv_bias: Tensor | None
    query_norm: Tensor | None
    key_norm: Tensor | None
    output: Tensor
    output_bias: Tensor | None
    attention_norm: Tensor
    gate_up: Tensor
    gate_up_bias: Tensor | None
    down: Tensor
    down_bias: Tensor | None


@dataclass(frozen=True, slots=True)
class Weights:
    """A whole base; `head` is the embedding itself where the two are tied."""

    embedding: Tensor
    layers: tuple[LayerWeights, ...]
    norm: Tensor
    head: Tensor


def load_weights(folder: Path, shape: ModelShape, dtype: torch.dtype, device: torch.device) -> Weights:
    """Read and check all tensors; raises BadRequestError naming the first that is missing or misshapen."""
    reader = _Reader(folder, dtype, device)
    embedding = reader.take("model.embed_tokens.weight", shape.vocabulary, shape.hidden)
    layers = tuple(_load_layer(reader, shape, number) for number in range(shape.layers))
    head = embedding if shape.is_tied else reader.take("lm_head.weight", shape.vocabulary, shape.hidden)
    return Weights(embedding, layers, reader.take("model.norm.weight", shape.hidden), head)


class _Reader:
    """The tensors of a folder by name, whichever file they are in."""

    def __init__(self, folder: Path, dtype: torch.dtype, device: torch.device) -> None:
        self._dtype, self._device = dtype, device
        try:
            files = [safe_open(path, framework="pt") for path in _tensor_files(folder)]
        except (OSError, SafetensorError) as error:
            raise BadRequestError(f"{folder}: {error}") from error
        self._files = {name: file for file in files for name in file.keys()}  # type: ignore[no-untyped-call]  # noqa: SIM118 - no mapping

    def take(self, name: str, *dimensions: int) -> Tensor:
        """One tensor, checked and converted."""
        if name not in self._files:
            raise BadRequestError(f"the base has no tensor {name}")
        tensor: Tensor = self._files[name].get_tensor(name)  # type: ignore[no-untyped-call]
        if tuple(tensor.shape) != dimensions or not tensor.is_floating_point():
            raise BadRequestError(f"tensor {name} is {tuple(tensor.shape)}, not {dimensions}")
        return tensor.to(self._device, self._dtype)

    def take_optional(self, name: str, *dimensions: int) -> Tensor | None:
        """One tensor, or None where the folder has none of that name."""
        return self.take(name, *dimensions) if name in self._files else None


def _tensor_files(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = set(json.loads(index.read_text())["weight_map"].values())
        if any("/" in name or not name.endswith(".safetensors") for name in names):
            raise BadRequestError(f"{index} names files outside of its folder or of another type")
        return [folder / name for name in sorted(names)]
    if not (folder / "model.safetensors").is_file():
        raise BadRequestError(f"{folder} has no model.safetensors; weights in pickles are not read")
    return [folder / "model.safetensors"]


def _load_layer(reader: _Reader, shape: ModelShape, number: int) -> LayerWeights:
    prefix = f"model.layers.{number}."
    query, key_value, hidden, inner = (
        shape.query_width,
        shape.key_value_width,
        shape.hidden,
        shape.intermediate,
    )

    def joined(names: dict[str, int], folder: str) -> tuple[Tensor, Tensor | None]:
        weights = [
            reader.take(f"{prefix}{folder}.{name}.weight", width, hidden) for name, width in names.items()
        ]
        biases = [
            reader.take_optional(f"{prefix}{folder}.{name}.bias", width) for name, width in names.items()
        ]
        present = [bias for bias in biases if bias is not None]
        if present and len(present) != len(biases):
            raise BadRequestError(f"{prefix}{folder}: some projections have a bias and some have none")
        return torch.cat(weights), torch.cat(present) if present else None

    qkv, qkv_bias = joined({"q_proj": query, "k_proj": key_value, "v_proj": key_value}, "self_attn")
    gate_up, gate_up_bias = joined({"gate_proj": inner, "up_proj": inner}, "mlp")
    norms = shape.head_size if shape.has_head_norms else None
    return LayerWeights(
        input_norm=reader.take(prefix + "input_layernorm.weight", hidden),
        qkv=qkv,
        qkv_bias=qkv_bias,
        query_norm=reader.take(prefix + "self_attn.q_norm.weight", norms) if norms else None,
        key_norm=reader.take(prefix + "self_attn.k_norm.weight", norms) if norms else None,
        output=reader.take(prefix + "self_attn.o_proj.weight", hidden, query),
        output_bias=reader.take_optional(prefix + "self_attn.o_proj.bias", hidden),
        attention_norm=reader.take(prefix + "post_attention_layernorm.weight", hidden),
        gate_up=gate_up,
        gate_up_bias=gate_up_bias,
        down=reader.take(prefix + "mlp.down_proj.weight", hidden, inner),
        down_bias=reader.take_optional(prefix + "mlp.down_proj.bias", hidden),
    )
