"""A tiny Llama with an adapter whose every weight is a formula, and pairs for it: what `dpo.json` is of."""

from typing import Any

import peft
import torch
from transformers import LlamaConfig, LlamaForCausalLM

VOCABULARY = 32
BETA = 0.3
PAIRS = (
    ([1, 5, 9, 3], [7, 8, 2], [11, 2]),
    ([1, 6], [24, 2], [20, 21, 22, 23, 2]),
    ([1, 4, 4, 4, 4, 4], [13, 2], [14, 15, 16, 17, 18, 2]),
    ([1], [30, 29, 27, 2], [30, 29, 28, 2]),
)
"""Prompt, chosen, rejected; token 2 ends an answer."""


def untrained() -> tuple[Any, peft.LoraConfig]:
    """The base, and the adapter's configuration: rank 2 on query and value."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=32,
        pad_token_id=0,
    )
    adapter = peft.LoraConfig(task_type="CAUSAL_LM", r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"])
    return LlamaForCausalLM(config), adapter


def filled(model: Any) -> Any:
    """The model with adapter, its weights given by the formula."""
    with torch.no_grad():
        for number, (_, value) in enumerate(sorted(model.named_parameters())):
            places = torch.arange(value.numel(), dtype=torch.float64)
            value.copy_(torch.sin(places * 1.7 + number).reshape(value.shape))
    return model.eval()
