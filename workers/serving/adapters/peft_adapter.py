"""How a PEFT adapter is read: configuration and tensors checked against the base, then packed per product.

Covered: rank and alpha (also per module), rank-stabilised scaling, float types, every shape, values that are
not finite, tensors that belong to nothing, variants that would compute something else (refused by name).
Not covered: whether the adapter was trained on this very base where its configuration names none by hash.
"""

import math
import re
from dataclasses import dataclass
from typing import Any, TypeGuard

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors

from workers.artifacts import canonical_json
from workers.errors import InvalidInputError
from workers.serving.adapters.geometry import Product, places_of
from workers.serving.adapters.rows import tiled
from workers.serving.errors import AdapterRefusedError

Tensor = torch.Tensor
CONFIG_FILE = "adapter_config.json"
TENSOR_FILE = "adapter_model.safetensors"
MAX_RANK = 512
_TENSOR = re.compile(
    r"base_model\.model\.model\.layers\.(0|[1-9]\d{0,3})\."
    r"((?:self_attn|mlp)\.[a-z]+_proj)\.lora_([AB])\.weight"
)
_DIFFERENT_BASE = ("pissa", "olora", "loftq", "corda")
"""Initialisations that change the base's weights: such an adapter alone is not the model that was trained."""


@dataclass(frozen=True, slots=True)
class AdapterSettings:
    """What `adapter_config.json` says, as far as it changes the arithmetic. `base` is "" when not a hash."""

    rank: int
    alpha: float
    rank_pattern: dict[str, int]
    alpha_pattern: dict[str, float]
    is_rank_stabilised: bool
    base: str

    def scale(self, module: str, rank: int) -> float:
        """What a module's product is multiplied by."""
        alpha = float(_by_pattern(self.alpha_pattern, module, self.alpha))
        return alpha / math.sqrt(rank) if self.is_rank_stabilised else alpha / rank


@dataclass(frozen=True, slots=True)
class PackedAdapter:
    """One adapter in memory, by layer and product.

    `downs[layer][product]` is (parts, rank, inputs), `ups[…]` (rank, outputs) with each part's columns side
    by side, or both in the native kernel's tiles; `scales[…]` is one float per part. A product the adapter
    does not touch is None.
    """

    rank: int
    downs: tuple[tuple[Tensor | None, ...], ...]
    ups: tuple[tuple[Tensor | None, ...], ...]
    scales: tuple[tuple[tuple[float, ...], ...], ...]

    @property
    def size_bytes(self) -> int:
        """Memory of all factors."""
        tensors = [tensor for layer in (*self.downs, *self.ups) for tensor in layer if tensor is not None]
        return sum(tensor.nbytes for tensor in tensors)


def read_settings(data: bytes, max_rank: int) -> AdapterSettings:
    """The settings in an `adapter_config.json`; raises AdapterRefusedError."""
    try:
        config = canonical_json.decode(data)
    except InvalidInputError as error:
        raise AdapterRefusedError(f"{CONFIG_FILE}: {error}") from error
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise AdapterRefusedError(f"{CONFIG_FILE}: peft_type must be LORA")
    _refuse_variants(config)
    rank, alpha = config.get("r"), config.get("lora_alpha")
    ranks, alphas = config.get("rank_pattern") or {}, config.get("alpha_pattern") or {}
    if not _is_rank(rank) or not isinstance(ranks, dict) or not all(map(_is_rank, ranks.values())):
        raise AdapterRefusedError(f"{CONFIG_FILE}: a rank is a whole number from 1 to {MAX_RANK}")
    if not _is_alpha(alpha) or not isinstance(alphas, dict) or not all(map(_is_alpha, alphas.values())):
        raise AdapterRefusedError(f"{CONFIG_FILE}: lora_alpha is a finite number")
    highest = max([rank, *ranks.values()])
    if highest > max_rank:
        raise AdapterRefusedError(f"rank {highest} is above the limit of {max_rank} (--max-lora-rank)")
    base = config.get("base_model_name_or_path")
    return AdapterSettings(
        rank=rank,
        alpha=float(alpha),
        rank_pattern=ranks,
        alpha_pattern=alphas,
        is_rank_stabilised=config.get("use_rslora") is True,
        base=base if isinstance(base, str) and base.startswith("sha256:") else "",
    )


def read_adapter(
    settings: AdapterSettings,
    data: bytes,
    products: tuple[Product, ...],
    layers: int,
    *,
    dtype: torch.dtype,
    is_tiled: bool,
) -> PackedAdapter:
    """Check and pack an `adapter_model.safetensors`; raises AdapterRefusedError naming the tensor."""
    try:
        tensors = load_tensors(data)
    except (SafetensorError, KeyError) as error:
        raise AdapterRefusedError(f"{TENSOR_FILE} is not a safetensors file: {error}") from error
    pairs = _pair(tensors, products, layers, settings)
    rank = max(down.shape[0] for down, _up in pairs.values())
    downs: list[tuple[Tensor | None, ...]] = []
    ups: list[tuple[Tensor | None, ...]] = []
    scales: list[tuple[tuple[float, ...], ...]] = []
    for layer in range(layers):
        packed = [
            _pack(pairs, layer, product, rank=rank, settings=settings, dtype=dtype, is_tiled=is_tiled)
            for product in products
        ]
        downs.append(tuple(down for down, _up, _scales in packed))
        ups.append(tuple(up for _down, up, _scales in packed))
        scales.append(tuple(scale for _down, _up, scale in packed))
    return PackedAdapter(rank, tuple(downs), tuple(ups), tuple(scales))


def _is_rank(value: Any) -> TypeGuard[int]:
    return type(value) is int and 1 <= value <= MAX_RANK


def _is_alpha(value: Any) -> TypeGuard[float]:
    return type(value) in {int, float} and math.isfinite(value)


def _refuse_variants(config: dict[str, Any]) -> None:
    for flag in (
        "use_dora",
        "fan_in_fan_out",
        "lora_bias",
        "modules_to_save",
        "trainable_token_indices",
        "alora_invocation_tokens",
    ):
        if config.get(flag):
            raise AdapterRefusedError(f"{CONFIG_FILE}: {flag} is not served")
    if config.get("bias", "none") != "none":
        raise AdapterRefusedError(f"{CONFIG_FILE}: bias {config['bias']!r} is not served, only 'none'")
    start = config.get("init_lora_weights")
    if isinstance(start, str) and start.lower().startswith(_DIFFERENT_BASE):
        raise AdapterRefusedError(
            f"{CONFIG_FILE}: initialisation {start!r} changes the base; convert it first"
        )


def _by_pattern(patterns: dict[str, Any], module: str, otherwise: float) -> Any:
    """PEFT's rule: the first pattern that ends the module's name, matched as a whole part, wins."""
    for pattern, value in patterns.items():
        if _matches(pattern, module):
            return value
    return otherwise


def _matches(pattern: str, module: str) -> bool:
    """Plain names and dotted suffixes only: a stranger's regular expression is not run."""
    return module == pattern or module.endswith("." + pattern)


def _pair(
    tensors: dict[str, Tensor], products: tuple[Product, ...], layers: int, settings: AdapterSettings
) -> dict[tuple[int, str], tuple[Tensor, Tensor]]:
    places = places_of(products)
    found: dict[tuple[int, str], dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        match = _TENSOR.fullmatch(name)
        if match is None or int(match[1]) >= layers or match[2] not in places:
            raise AdapterRefusedError(f"tensor {name[:200]} belongs to nothing in this base that is served")
        found.setdefault((int(match[1]), match[2]), {})[match[3]] = tensor
    if not found:
        raise AdapterRefusedError(f"{TENSOR_FILE} holds no factors")
    return {key: _checked(key, factors, products, places, settings) for key, factors in found.items()}


def _checked(
    key: tuple[int, str],
    factors: dict[str, Tensor],
    products: tuple[Product, ...],
    places: dict[str, tuple[int, int]],
    settings: AdapterSettings,
) -> tuple[Tensor, Tensor]:
    layer, module = key
    where = f"layer {layer} {module}"
    if set(factors) != {"A", "B"}:
        raise AdapterRefusedError(f"{where}: lora_{'B' if 'A' in factors else 'A'} is missing")
    product, part = places[module]
    rank = int(_by_pattern(settings.rank_pattern, f"model.layers.{layer}.{module}", settings.rank))
    wanted = {"A": (rank, products[product].inputs), "B": (products[product].parts[part][1], rank)}
    for name, tensor in factors.items():
        if tuple(tensor.shape) != wanted[name]:
            raise AdapterRefusedError(
                f"{where}: lora_{name} is {tuple(tensor.shape)}, this base and rank want {wanted[name]}"
            )
        if tensor.dtype not in {torch.float32, torch.bfloat16, torch.float16}:
            raise AdapterRefusedError(f"{where}: lora_{name} is of type {tensor.dtype}")
    return factors["A"], factors["B"]


def _pack(
    pairs: dict[tuple[int, str], tuple[Tensor, Tensor]],
    layer: int,
    product: Product,
    *,
    rank: int,
    settings: AdapterSettings,
    dtype: torch.dtype,
    is_tiled: bool,
) -> tuple[Tensor | None, Tensor | None, tuple[float, ...]]:
    if not any((layer, name) in pairs for name, _width in product.parts):
        return None, None, ()
    down = torch.zeros(len(product.parts), rank, product.inputs, dtype=dtype)
    up = torch.zeros(rank, product.outputs, dtype=dtype)
    scales = [0.0] * len(product.parts)
    for part, ((name, _width), (first, last)) in enumerate(zip(product.parts, product.bounds, strict=True)):
        if (layer, name) in pairs:
            factor_a, factor_b = pairs[layer, name]
            own = factor_a.shape[0]
            down[part, :own] = factor_a
            up[:own, first:last] = factor_b.T
            scales[part] = settings.scale(f"model.layers.{layer}.{name}", own)
    if not (_is_finite(down) and _is_finite(up)):
        names = " or ".join(name for name, _width in product.parts)
        raise AdapterRefusedError(f"layer {layer} {names} holds values that are not finite in {dtype}")
    if is_tiled:
        down, up = tiled(down), tiled(up)
    return down, up, tuple(scales)


def _is_finite(factor: Tensor) -> bool:
    """Asked of the sum first, which is one pass; a sum that overflows by itself is looked at again."""
    return bool(factor.sum(dtype=torch.float32).isfinite()) or bool(factor.isfinite().all())
