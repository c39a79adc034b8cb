"""The model, the adapters and the requests of the benchmark; made once, kept under `.cache/serving`.

A Llama of random weights (nothing here depends on what it says): hidden size 1,024, 8 layers, 16 heads of 64
with 4 key heads, 2,816 in the middle, 32,000 tokens, bfloat16. Adapters: rank 8 on all seven projections.
"""

import json
import random
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save
from transformers import AutoModelForCausalLM, LlamaConfig

from workers.artifacts.canonical_json import encode
from workers.artifacts.folders import FORMAT
from workers.artifacts.store import ArtifactStore
from workers.serving.adapters.geometry import Product, products_of
from workers.serving.model.shape import read_shape
from workers.serving.server import folder_hash

ROOT = Path(".cache/serving")
BASE = ROOT / "base"
RANK, ALPHA = 8, 16
MOST_ADAPTERS = 10_000
CONFIG = LlamaConfig(
    vocab_size=32_000,
    hidden_size=1_024,
    intermediate_size=2_816,
    num_hidden_layers=8,
    num_attention_heads=16,
    num_key_value_heads=4,
    max_position_embeddings=512,
    dtype="bfloat16",
)
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Request:
    """One request: `adapter` is a number, -1 for the base."""

    prompt: tuple[int, ...]
    adapter: int


def make_base() -> Path:
    """The base's folder."""
    if not (BASE / "model.safetensors").is_file():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(CONFIG, dtype=torch.bfloat16)
        model.save_pretrained(BASE)
    return BASE


def make_adapters(count: int) -> tuple[ArtifactStore, list[str]]:
    """`count` different adapters as artefacts, and their folders' hashes."""
    store, listing = ArtifactStore(ROOT / "artifacts"), ROOT / "adapters.json"
    hashes: list[str] = json.loads(listing.read_text()) if listing.is_file() else []
    shape, base = read_shape(BASE), f"sha256:{folder_hash(BASE)}"
    products = products_of(shape)
    config = store.put(encode(_adapter_config(base)))
    for number in range(len(hashes), count):
        tensors = store.put(save(_factors(products, shape.layers, number)))
        files = {"adapter_config.json": config, "adapter_model.safetensors": tensors}
        hashes.append(store.put(encode({"format": FORMAT, "files": files})))
    listing.write_text(json.dumps(hashes))
    return store, hashes[:count]


def _adapter_config(base: str) -> dict[str, object]:
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": RANK,
        "lora_alpha": ALPHA,
        "target_modules": list(TARGETS),
        "bias": "none",
        "inference_mode": True,
    }


def _factors(products: tuple[Product, ...], layers: int, number: int) -> dict[str, torch.Tensor]:
    """Slices of one long draw, shifted by the adapter's number: all different, quickly made."""
    values = RANK * layers * sum(len(one.parts) * one.inputs + one.outputs for one in products)
    generator = torch.Generator().manual_seed(1)
    draw = torch.empty(values + MOST_ADAPTERS).normal_(0.0, 0.02, generator=generator).bfloat16()
    tensors, place = {}, number
    for layer in range(layers):
        for product in products:
            for name, width in product.parts:
                prefix = f"base_model.model.model.layers.{layer}.{name}."
                for factor, shape in (("A", (RANK, product.inputs)), ("B", (width, RANK))):
                    count = shape[0] * shape[1]
                    piece = draw[place : place + count].reshape(shape).clone()
                    tensors[f"{prefix}lora_{factor}.weight"] = piece
                    place += count
    return tensors


def requests(count: int, adapters: int, prompt_tokens: int, seed: int = 0) -> list[Request]:
    """`count` requests of different prompts over `adapters` adapters in turn; 0 is the base alone."""
    numbers = random.Random(seed)
    return [
        Request(
            tuple(numbers.randrange(3, CONFIG.vocab_size) for _ in range(prompt_tokens)),
            number % adapters if adapters else -1,
        )
        for number in range(count)
    ]
