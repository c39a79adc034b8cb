"""Served logits are those of `transformers` and `peft`, for all families, adapters mixed in one batch."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, MistralConfig

from tests.workers.serving.models import (
    ADAPTER_KINDS,
    DIMENSIONS,
    FAMILIES,
    LAYERS,
    VOCABULARY,
    make_adapters,
    make_base,
)
from workers.serving.adapters.geometry import products_of
from workers.serving.adapters.kernel import load_kernel
from workers.serving.adapters.peft_adapter import CONFIG_FILE, TENSOR_FILE, read_adapter, read_settings
from workers.serving.adapters.slots import NO_SLOT, SlotPool
from workers.serving.errors import BadRequestError
from workers.serving.model.batch import Piece, assemble
from workers.serving.model.lanes import LaneCache
from workers.serving.model.shape import read_shape
from workers.serving.model.transformer import Transformer

CPU = torch.device("cpu")
NAMES = [kind.name for kind in ADAPTER_KINDS]
PROMPT_LENGTHS = (5, 17, 1, 9)
STEPS = 6


def reference(adapted: Any, name: str | None, tokens: list[int]) -> torch.Tensor:
    """PEFT's logits after `tokens`; `name` None is the base."""
    with torch.no_grad():
        if name is None:
            with adapted.disable_adapter():
                return torch.as_tensor(adapted(torch.tensor([tokens])).logits[0, -1])
        adapted.set_adapter(name)
        return torch.as_tensor(adapted(torch.tensor([tokens])).logits[0, -1])


def fill_pool(model: Transformer, folder: Path, *, is_native: bool) -> tuple[SlotPool, list[int]]:
    products = products_of(model.shape)
    kernel = load_kernel(products, model.dtype, CPU, threads=1) if is_native else None
    assert kernel is not None or not is_native, "the tests need a C compiler"
    pool = SlotPool(products, LAYERS, count=3, rank=8, dtype=model.dtype, device=CPU, kernel=kernel)
    slots = []
    for name in NAMES:
        settings = read_settings((folder / name / CONFIG_FILE).read_bytes(), max_rank=8)
        data = (folder / name / TENSOR_FILE).read_bytes()
        slots.append(
            pool.acquire(
                name, read_adapter(settings, data, products, LAYERS, dtype=model.dtype, is_tiled=is_native)
            )
        )
    return pool, slots


@pytest.mark.parametrize("is_native", [True, False], ids=["native", "torch"])
@pytest.mark.parametrize("family", FAMILIES)
def test_three_adapters_and_the_base_in_one_batch(family: str, is_native: bool, tmp_path: Path) -> None:
    adapted = make_adapters(make_base(tmp_path, FAMILIES[family]), tmp_path / "adapters")
    model = Transformer.load(tmp_path, max_length=64)
    pool, slots = fill_pool(model, tmp_path / "adapters", is_native=is_native)
    rows = [*zip(NAMES, slots, strict=True), (None, NO_SLOT)]
    generator = torch.Generator().manual_seed(7)
    sequences = [
        torch.randint(0, VOCABULARY, (length,), generator=generator).tolist() for length in PROMPT_LENGTHS
    ]
    cache = LaneCache(model.shape, 4, 64, model.dtype, CPU)
    starts = [0] * len(rows)
    for _ in range(STEPS):
        pieces = [
            Piece(lane, starts[lane], sequences[lane][starts[lane] :], slot, wants_logits=True)
            for lane, (_name, slot) in enumerate(rows)
        ]
        batch = assemble(pieces, CPU)
        logits = model.forward(batch, cache, pool.rows(batch.slots))
        for lane, (name, _slot) in enumerate(rows):
            expected = reference(adapted, name, sequences[lane])
            torch.testing.assert_close(logits[lane], expected, rtol=1e-4, atol=1e-4)
            assert logits[lane].argmax() == expected.argmax()
            starts[lane] = len(sequences[lane])
            sequences[lane].append(int(expected.argmax()))


def test_adapters_change_the_answer(tmp_path: Path) -> None:
    adapted = make_adapters(make_base(tmp_path, FAMILIES["llama"]), tmp_path / "adapters")
    logits = [reference(adapted, name, [5, 6, 7]) for name in (*NAMES, None)]
    assert all((one - two).abs().max() > 0.1 for i, one in enumerate(logits) for two in logits[:i])


def test_bfloat16_stays_near_float32(tmp_path: Path) -> None:
    make_base(tmp_path, FAMILIES["qwen3"])
    logits = []
    for dtype in (torch.float32, torch.bfloat16):
        model = Transformer.load(tmp_path, max_length=32, dtype=dtype)
        batch = assemble([Piece(0, 0, [4, 5, 6], NO_SLOT, wants_logits=True)], CPU)
        logits.append(model.forward(batch, LaneCache(model.shape, 1, 32, dtype, CPU), None))
    spread = logits[0].std()
    assert (logits[0] - logits[1]).abs().max() < 0.15 * spread


GPTQ: dict[str, Any] = {"quantization_config": {"quant_method": "gptq", "bits": 4}}
"""What a quantised folder says of itself."""


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (MistralConfig(**DIMENSIONS, sliding_window=16), "sliding"),
        (LlamaConfig(**DIMENSIONS, hidden_act="gelu"), "silu"),
        (LlamaConfig(**DIMENSIONS, **GPTQ), "quantised"),
        (
            LlamaConfig(
                **DIMENSIONS, rope_parameters={"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}
            ),
            "rotary",
        ),
    ],
)
def test_what_is_not_served_is_refused(config: Any, reason: str, tmp_path: Path) -> None:
    config.save_pretrained(tmp_path)
    with pytest.raises(BadRequestError, match=reason):
        read_shape(tmp_path)


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    make_base(tmp_path, FAMILIES["llama"])
    torch.save({}, tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(BadRequestError, match="pickles"):
        Transformer.load(tmp_path, max_length=32)


def test_mistral_without_a_window_is_served(tmp_path: Path) -> None:
    config = MistralConfig(**DIMENSIONS, sliding_window=None)
    original = make_base(tmp_path, config)
    model = Transformer.load(tmp_path, max_length=32)
    batch = assemble([Piece(0, 0, [4, 5, 6], NO_SLOT, wants_logits=True)], CPU)
    logits = model.forward(batch, LaneCache(model.shape, 1, 32, model.dtype, CPU), None)
    with torch.no_grad():
        expected = original(torch.tensor([[4, 5, 6]])).logits[:, -1]
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)
