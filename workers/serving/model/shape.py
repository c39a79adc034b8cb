"""Which models can be served, and their dimensions: a Hugging Face `config.json` of the Llama or Qwen family.

Covered: Llama, Mistral without sliding window, Qwen2, Qwen3; rotary scalings that do not depend on the input.
Not covered: mixtures of experts, sliding windows, code that comes with a folder (never run).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from workers.serving.errors import BadRequestError

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
STATIC_ROTARY_TYPES = ("linear", "llama3", "yarn")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Dimensions of one base. `inverse_frequencies` has head_size / 2 entries; `dtype` is the stored type."""

    family: str
    vocabulary: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    key_value_heads: int
    head_size: int
    epsilon: float
    is_tied: bool
    has_head_norms: bool
    max_positions: int
    inverse_frequencies: tuple[float, ...]
    rotary_scaling: float
    end_tokens: frozenset[int]
    dtype: torch.dtype

    @property
    def query_width(self) -> int:
        """Outputs of the query projection."""
        return self.heads * self.head_size

    @property
    def key_value_width(self) -> int:
        """Outputs of the key and of the value projection."""
        return self.key_value_heads * self.head_size


def read_shape(folder: Path) -> ModelShape:
    """The dimensions in a folder's `config.json`; raises BadRequestError for a model that is not served."""
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise BadRequestError(f"{folder} holds no readable config.json: {error}") from error
    if config.model_type not in FAMILIES:
        raise BadRequestError(f"model type {config.model_type!r} is not served: one of {', '.join(FAMILIES)}")
    if config.hidden_act != "silu":
        raise BadRequestError(f"activation {config.hidden_act!r} is not served: only silu")
    if getattr(config, "quantization_config", None):
        raise BadRequestError("quantised bases are not served: take the folder it was made from")
    if _slides(config):
        raise BadRequestError("sliding-window attention is not served")
    frequencies, scaling = _rotary(config)
    heads = config.num_attention_heads
    return ModelShape(
        family=config.model_type,
        vocabulary=config.vocab_size,
        hidden=config.hidden_size,
        intermediate=config.intermediate_size,
        layers=config.num_hidden_layers,
        heads=heads,
        key_value_heads=getattr(config, "num_key_value_heads", None) or heads,
        head_size=getattr(config, "head_dim", None) or config.hidden_size // heads,
        epsilon=config.rms_norm_eps,
        is_tied=bool(config.tie_word_embeddings),
        has_head_norms=config.model_type == "qwen3",
        max_positions=config.max_position_embeddings,
        inverse_frequencies=frequencies,
        rotary_scaling=scaling,
        end_tokens=_end_tokens(config.eos_token_id),
        dtype=_dtype(config.dtype),
    )


def _slides(config: Any) -> bool:
    if config.model_type == "mistral":
        return config.sliding_window is not None
    return bool(getattr(config, "use_sliding_window", False))


def _rotary(config: Any) -> tuple[tuple[float, ...], float]:
    parameters = config.rope_parameters
    kind = parameters["rope_type"]
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if kind == "default":
        exponents = torch.arange(0, size, 2, dtype=torch.float) / size
        return tuple((1.0 / (parameters["rope_theta"] ** exponents)).tolist()), 1.0
    if kind not in STATIC_ROTARY_TYPES:
        raise BadRequestError(f"rotary scaling {kind!r} is not served")
    frequencies, scaling = ROPE_INIT_FUNCTIONS[kind](config, torch.device("cpu"))
    return tuple(frequencies.tolist()), float(scaling)


def _end_tokens(tokens: int | list[int] | None) -> frozenset[int]:
    if tokens is None:
        return frozenset()
    return frozenset([tokens] if isinstance(tokens, int) else tokens)


def _dtype(dtype: torch.dtype | str | None) -> torch.dtype:
    if isinstance(dtype, str):
        return DTYPES.get(dtype, torch.float32)
    return dtype or torch.float32
