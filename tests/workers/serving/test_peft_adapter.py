"""What a stranger's adapter may be: everything else is refused by name, and nothing of it is run."""

import json
from typing import Any

import pytest
import torch
from safetensors.torch import load, save

from tests.workers.serving.conftest import Shelf
from tests.workers.serving.models import LAYERS
from workers.serving.adapters.geometry import products_of
from workers.serving.adapters.peft_adapter import (
    CONFIG_FILE,
    TENSOR_FILE,
    PackedAdapter,
    read_adapter,
    read_settings,
)
from workers.serving.errors import AdapterRefusedError
from workers.serving.model.shape import read_shape

Tensors = dict[str, torch.Tensor]
QUERY_A = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
QUERY_B = QUERY_A.replace("lora_A", "lora_B")


def config_with(shelf: Shelf, **changes: Any) -> bytes:
    config = json.loads((shelf.adapters / "attention" / CONFIG_FILE).read_text())
    return json.dumps({**config, **changes}).encode()


def read(shelf: Shelf, tensors: bytes, config: bytes | None = None) -> PackedAdapter:
    settings = read_settings(config or config_with(shelf), max_rank=16)
    products = products_of(read_shape(shelf.base))
    return read_adapter(settings, tensors, products, LAYERS, dtype=torch.float32, is_tiled=False)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"peft_type": "LOHA"}, "LORA"),
        ({"r": 17}, "above the limit"),
        ({"r": 0}, "whole number"),
        ({"r": True}, "whole number"),
        ({"rank_pattern": {"q_proj": 64}}, "above the limit"),
        ({"lora_alpha": "1e999"}, "finite"),
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "bias"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"fan_in_fan_out": True}, "fan_in_fan_out"),
        ({"init_lora_weights": "pissa_niter_4"}, "changes the base"),
    ],
)
def test_settings_that_are_refused(shelf: Shelf, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(AdapterRefusedError, match=reason):
        read_settings(config_with(shelf, **changes), max_rank=16)


@pytest.mark.parametrize("data", [b"", b"[1]", b"{", b"[" * 100_000, b"\x80\x04K\x01."])
def test_settings_that_are_no_object(data: bytes) -> None:
    with pytest.raises(AdapterRefusedError):
        read_settings(data, max_rank=16)


def wider(tensors: Tensors) -> None:
    tensors[QUERY_A] = torch.zeros(4, 96)


def higher(tensors: Tensors) -> None:
    tensors[QUERY_A], tensors[QUERY_B] = torch.zeros(5, 64), torch.zeros(64, 5)


def half(tensors: Tensors) -> None:
    del tensors[QUERY_B]


def deeper(tensors: Tensors) -> None:
    tensors[QUERY_A.replace("layers.0", "layers.7")] = tensors[QUERY_A].clone()


def elsewhere(tensors: Tensors) -> None:
    tensors["base_model.model.lm_head.lora_A.weight"] = tensors[QUERY_A].clone()


def poisoned(tensors: Tensors) -> None:
    tensors[QUERY_A][0, 0] = torch.inf


def whole(tensors: Tensors) -> None:
    tensors[QUERY_A] = tensors[QUERY_A].to(torch.int32)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (wider, "want"),
        (higher, "want"),
        (half, "lora_B is missing"),
        (deeper, "belongs to nothing"),
        (elsewhere, "lm_head"),
        (poisoned, "not finite"),
        (whole, "type"),
        (dict.clear, "no factors"),
    ],
)
def test_tensors_that_are_refused(shelf: Shelf, change: Any, reason: str) -> None:
    tensors = load((shelf.adapters / "attention" / TENSOR_FILE).read_bytes())
    change(tensors)
    with pytest.raises(AdapterRefusedError, match=reason):
        read(shelf, save(tensors))


@pytest.mark.parametrize("data", [b"", b"\x80\x04K\x01.", b"\xff" * 64, b"\x08" + bytes(7) + b"{}      "])
def test_a_file_that_is_no_tensor_file(shelf: Shelf, data: bytes) -> None:
    with pytest.raises(AdapterRefusedError):
        read(shelf, data)


def test_scale_follows_peft(shelf: Shelf) -> None:
    tensors = (shelf.adapters / "attention" / TENSOR_FILE).read_bytes()
    plain = read(shelf, tensors, config_with(shelf, lora_alpha=6))
    stabilised = read(shelf, tensors, config_with(shelf, lora_alpha=6, use_rslora=True))
    other = read(shelf, tensors, config_with(shelf, alpha_pattern={"layers.1.self_attn.q_proj": 2}))
    assert plain.scales[0][0] == (1.5, 0.0, 1.5)
    assert stabilised.scales[0][0] == (3.0, 0.0, 3.0)
    assert other.scales[1][0] == (0.5, 0.0, 4.0)


def test_size_is_that_of_the_factors(shelf: Shelf) -> None:
    packed = read(shelf, (shelf.adapters / "attention" / TENSOR_FILE).read_bytes())
    assert packed.size_bytes == 4 * LAYERS * 4 * (3 * 64 + 128)
