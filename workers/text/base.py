"""How the project's own small base comes about: tokenizer and Llama, trained from scratch in minutes.

One thread, deterministic algorithms, every draw from the preset's seed: the same recipe (preset, Python,
libraries) gives the same weights on the same machine kind. Folders are cached under the hash of their recipe.

Covered: making, caching, two processes at once, held-out loss. Not covered: a base worth talking to; it is
small so that everything built on it can be run and checked anywhere in minutes.
"""

import hashlib
import json
import math
import os
import platform
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from workers.artifacts import canonical_json
from workers.errors import InvalidInputError
from workers.progress import Progress, silent
from workers.text.corpus import Passage, base_passages
from workers.text.tokenizer import train_tokenizer
from workers.training.trainer import use_determinism

FORMAT = "openledger-base-recipe/1"
RECIPE_FILE = "recipe.json"
HOLDOUT_EVERY = 20
"""One passage in this many is held out to measure the loss on."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Sizes of the model and of its training; `steps` of `batch` blocks of `context` tokens each."""

    name: str
    vocabulary: int
    hidden: int
    layers: int
    heads: int
    intermediate: int
    context: int
    steps: int
    batch: int
    learning_rate: float
    seed: int = 1


PRESETS = {
    "tiny": Preset("tiny", 512, 48, 2, 4, 128, 256, 60, 4, 6e-3),
    "small": Preset("small", 2048, 192, 4, 6, 512, 512, 700, 4, 3e-3),
}


def preset_of(name: str) -> Preset:
    """A preset by name; raises InvalidInputError."""
    if name not in PRESETS:
        raise InvalidInputError(f"base preset {name!r} is not one of {', '.join(PRESETS)}")
    return PRESETS[name]


def recipe_of(preset: Preset) -> dict[str, Any]:
    """Everything that decides the folder's bytes on one machine kind."""
    return {
        "format": FORMAT,
        "preset": asdict(preset),
        "versions": {
            "python": platform.python_version(),
            "tokenizers": tokenizers.__version__,
            "torch": str(torch.__version__),
            "transformers": transformers.__version__,
        },
    }


def recipe_hash(preset: Preset) -> str:
    """The name of a preset's folder in the cache: sha256 in hex."""
    return hashlib.sha256(canonical_json.encode(recipe_of(preset))).hexdigest()


def cache_directory() -> Path:
    """`$XDG_CACHE_HOME/openledger-node/bases`."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "openledger-node" / "bases"


def cached_base(name: str) -> Path | None:
    """The folder of a preset if it has been made, else None."""
    folder = cache_directory() / recipe_hash(preset_of(name))
    return folder if (folder / RECIPE_FILE).is_file() else None


def make_base(name: str, progress: Progress = silent) -> Path:
    """The folder of a preset, made now unless it is in the cache. Sets this process to one thread."""
    preset = preset_of(name)
    if (folder := cached_base(name)) is not None:
        return folder
    target = cache_directory() / recipe_hash(preset)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=".writing-"))
    try:
        build(preset, temporary, progress)
        temporary.chmod(0o755)
        temporary.rename(target)
    except OSError:
        if cached_base(name) is None:  # otherwise another process was faster
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def build(preset: Preset, folder: Path, progress: Progress) -> None:
    """Train and write model, tokenizer, card and recipe into `folder`."""
    use_determinism()
    started_s = time.process_time()
    passages = base_passages()
    held_out = passages[::HOLDOUT_EVERY]
    learnt = [passage for number, passage in enumerate(passages) if number % HOLDOUT_EVERY]
    tokenizer = train_tokenizer((passage.text for passage in learnt), preset.vocabulary, preset.context)
    progress(0.02, "tokenizer trained")
    model = new_model(preset, tokenizer)
    blocks = packed(learnt, tokenizer, preset.context)
    _train(model, blocks, preset, progress)
    loss = mean_loss(model, packed(held_out, tokenizer, preset.context), preset.batch)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    figures = {
        "corpus": corpus_hash(passages),
        "corpus_tokens": int(blocks.numel()),
        "parameters": model.num_parameters(),
        "held_out_loss": loss,
        "training_cpu_s": round(time.process_time() - started_s, 1),
    }
    (folder / "README.md").write_text(card(preset, figures))
    (folder / RECIPE_FILE).write_text(json.dumps({**recipe_of(preset), "figures": figures}, indent=1))
    progress(1.0, f"held-out loss {loss:.3f} nats per token")


def corpus_hash(passages: list[Passage]) -> str:
    """sha256 of all passages in order."""
    return hashlib.sha256(canonical_json.encode([asdict(passage) for passage in passages])).hexdigest()


def new_model(preset: Preset, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A Llama with fresh weights from the preset's seed."""
    config = LlamaConfig(
        vocab_size=preset.vocabulary,
        hidden_size=preset.hidden,
        num_hidden_layers=preset.layers,
        num_attention_heads=preset.heads,
        num_key_value_heads=preset.heads,
        intermediate_size=preset.intermediate,
        max_position_embeddings=preset.context,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(preset.seed)
    return LlamaForCausalLM(config)


def packed(passages: list[Passage], tokenizer: PreTrainedTokenizerFast, context: int) -> torch.Tensor:
    """(N, context) tokens: passages one after the other, every second one as a question with its answer."""
    tokens: list[int] = []
    for number, passage in enumerate(passages):
        text = rendered(passage, is_chat=number % 2 == 1)
        tokens += tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
    usable = len(tokens) // context * context
    if not usable:
        raise InvalidInputError(f"{len(tokens)} tokens are less than one block of {context}")
    return torch.tensor(tokens[:usable]).reshape(-1, context)


def rendered(passage: Passage, *, is_chat: bool) -> str:
    """A passage as running text, or in the form of the chat template."""
    if is_chat:
        return f"<|begin|><|user|>{question(passage)}<|end|><|assistant|>{passage.text}<|end|>"
    return f"<|begin|>{passage.name}({passage.signature})\n\n{passage.text}<|end|>"


def question(passage: Passage) -> str:
    """How the passage is asked for."""
    return (
        f"What does {passage.name}({passage.signature}) do?"
        if passage.signature
        else f"What is {passage.name}?"
    )


def _train(model: LlamaForCausalLM, blocks: torch.Tensor, preset: Preset, progress: Progress) -> None:
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=preset.learning_rate, betas=(0.9, 0.95), weight_decay=0.1, foreach=False
    )
    order = _order(len(blocks), preset)
    model.train()
    for step, rows in enumerate(order):
        for group in optimizer.param_groups:
            group["lr"] = preset.learning_rate * schedule(step / preset.steps)
        batch = blocks[torch.from_numpy(rows)]
        loss = model(input_ids=batch, labels=batch).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=False)
        optimizer.step()
        progress(0.02 + 0.96 * (step + 1) / preset.steps, f"step {step + 1}: loss {float(loss.detach()):.3f}")
    model.train(False)


def _order(blocks: int, preset: Preset) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
    """Rows of every step: epochs of shuffled blocks."""
    draw = np.random.default_rng(preset.seed)
    needed = preset.steps * preset.batch
    rows = np.concatenate([draw.permutation(blocks) for _ in range(-(-needed // blocks))])[:needed]
    return list(rows.reshape(preset.steps, preset.batch))


def schedule(done: float, warmup: float = 0.05) -> float:
    """Linear warm-up, then half a cosine down to a tenth."""
    if done < warmup:
        return (done + 0.002) / (warmup + 0.002)
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def mean_loss(model: LlamaForCausalLM, blocks: torch.Tensor, batch: int) -> float:
    """Mean -log p of the next token, in nats."""
    total = 0.0
    with torch.no_grad():
        for first in range(0, len(blocks), batch):
            rows = blocks[first : first + batch]
            total += float(model(input_ids=rows, labels=rows).loss) * len(rows)
    return total / len(blocks)


def card(preset: Preset, figures: dict[str, Any]) -> str:
    """The model card, in Hugging Face's form."""
    header = {"license": "psf-2.0", "library_name": "transformers", "pipeline_tag": "text-generation"}
    lines = [f"{key}: {value}" for key, value in header.items()]
    text = (
        f"A Llama of {figures['parameters']:,} parameters, trained from scratch on the documentation and "
        f"docstrings of Python {platform.python_version()} ({figures['corpus_tokens']:,} tokens). "
        f"Held-out loss {figures['held_out_loss']:.3f} nats per token. "
        "Small on purpose: it is what tests and demonstrations fine-tune."
    )
    return "\n".join(["---", *lines, "---", "", f"# openledger-base-{preset.name}", "", text, ""])
