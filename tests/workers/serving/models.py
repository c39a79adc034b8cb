"""Small random models, tokenizers and PEFT adapters of every family that is served."""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]

LAYERS = 2
VOCABULARY = 320
DIMENSIONS: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
LLAMA3_ROTARY = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
FAMILIES: dict[str, PreTrainedConfig] = {
    "llama": LlamaConfig(**DIMENSIONS, rope_parameters=LLAMA3_ROTARY, attention_bias=True, mlp_bias=True),
    "qwen2": Qwen2Config(**DIMENSIONS, tie_word_embeddings=True),
    "qwen3": Qwen3Config(**DIMENSIONS, head_dim=32),
}
CHAT_TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
TEXT = ["the quick brown fox jumps over the lazy dog", "Grüße, 世界 🌍", "def f(x):\n    return x + 1\n"]


@contextlib.contextmanager
def without_library_warnings() -> Iterator[None]:
    """PEFT and transformers warn of each other's deprecations; ours stay errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def make_base(folder: Path, config: PreTrainedConfig, seed: int = 0) -> Any:
    """Save a random model with its tokenizer; returns the `transformers` model."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config).eval()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if "norm" in name else 0.0, 0.15)
    model.save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return model


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE, so that every text has tokens and some characters span several."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", chat_template=CHAT_TEMPLATE
    )


@dataclass(frozen=True)
class AdapterKind:
    """One way to configure LoRA."""

    name: str
    rank: int
    alpha: float
    targets: str | list[str]
    is_rank_stabilised: bool = False


ADAPTER_KINDS = (
    AdapterKind("attention", 4, 16, ["q_proj", "v_proj"]),
    AdapterKind("everything", 8, 5, "all-linear"),
    AdapterKind("some", 3, 7, ["k_proj", "gate_proj", "down_proj", "o_proj"], is_rank_stabilised=True),
)


def make_adapters(model: Any, folder: Path, base: str = "", seed: int = 1) -> Any:
    """Attach and save one adapter per kind under `folder/<name>`; returns the PEFT model."""
    torch.manual_seed(seed)
    with without_library_warnings():
        return _make_adapters(model, folder, base)


def _make_adapters(model: Any, folder: Path, base: str) -> Any:
    adapted: Any = None
    for kind in ADAPTER_KINDS:
        config = LoraConfig(
            r=kind.rank,
            lora_alpha=kind.alpha,  # type: ignore[arg-type]  # PEFT takes fractions too
            target_modules=kind.targets,
            use_rslora=kind.is_rank_stabilised,
            init_lora_weights=False,
            task_type="CAUSAL_LM",
            base_model_name_or_path=base,
        )
        if adapted is None:
            adapted = get_peft_model(model, config, adapter_name=kind.name)
        else:
            adapted.add_adapter(kind.name, config)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.normal_(0.0, 0.15)
    for kind in ADAPTER_KINDS:
        adapted.peft_config[kind.name].base_model_name_or_path = base
    adapted.save_pretrained(folder)
    return adapted.eval()
