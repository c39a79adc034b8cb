"""How the project's own small base comes about: tokenizer and Llama, trained from scratch in minutes.

One thread, deterministic algorithms, every draw from the preset's seed: the same recipe (preset, Python,
libraries) gives the same weights on the same machine kind. Folders are cached under the hash of their recipe;
a run that was stopped goes on from its checkpoint beside them.

Covered: making, caching, being killed, two processes at once, held-out loss. Not covered: a base worth
talking to; it is small so that everything built on it can be run and checked anywhere in minutes.
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from workers.artifacts import canonical_json
from workers.determinism import use_determinism
from workers.progress import Progress, silent
from workers.text.contributed import without_contributed
from workers.text.corpus import PACKAGES, Passage, library_passages, package_passages, topic_passages
from workers.text.presets import Preset, preset_of
from workers.text.pretraining import Pretraining, documents, epochs, mean_loss
from workers.text.tokenizer import train_tokenizer

FORMAT = "openledger-base-recipe/2"
RECIPE_FILE = "recipe.json"
HOLDOUT_EVERY = 20
"""One passage in this many is held out to measure the loss on."""


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
            **{PACKAGES[package]: version(PACKAGES[package]) for package in preset.packages},
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
    """The folder of a preset, made now unless it is in the cache. Sets this process to one thread.

    Another process that makes the same base is waited for; what a killed one has done is taken up.
    """
    preset = preset_of(name)
    target = cache_directory() / recipe_hash(preset)
    if cached_base(name) is not None:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(target.with_suffix(".lock"), progress):
        if cached_base(name) is None:
            _make(preset, target, progress)
    return target


@contextmanager
def _alone(lock: Path, progress: Progress) -> Iterator[None]:
    """Until it ends no other process is here; the system frees a killed one's lock."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(0.0, "another process is making it: waiting")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(preset: Preset, target: Path, progress: Progress) -> None:
    checkpoint = target.with_suffix(".checkpoint")
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=".writing-"))
    try:
        build(preset, temporary, progress, checkpoint)
        temporary.chmod(0o755)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    checkpoint.unlink(missing_ok=True)


def build(preset: Preset, folder: Path, progress: Progress, checkpoint: Path) -> None:
    """Train, from the checkpoint if there is one; write model, tokenizer, card and recipe into `folder`."""
    use_determinism()
    passages = base_passages(preset.packages)
    held_out = passages[::HOLDOUT_EVERY]
    learnt = [passage for number, passage in enumerate(passages) if number % HOLDOUT_EVERY]
    tokenizer = train_tokenizer((passage.text for passage in learnt), preset.vocabulary, preset.context)
    progress(0.0, f"{len(passages):,} passages read, tokenizer trained")
    model = new_model(preset, tokenizer)
    training = Pretraining(model, preset, checkpoint)
    training.run(epochs(learnt, tokenizer, preset), progress)
    loss = mean_loss(model, documents(held_out, tokenizer, preset.context, 0), preset.batch_tokens)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    figures = {
        "corpus": corpus_hash(passages),
        "corpus_characters": sum(len(passage.text) for passage in learnt),
        "trained_tokens": training.tokens,
        "parameters": model.num_parameters(),
        "held_out_loss": loss,
        "training_cpu_s": round(training.cpu_s, 1),
    }
    (folder / "README.md").write_text(card(preset, figures))
    (folder / RECIPE_FILE).write_text(json.dumps({**recipe_of(preset), "figures": figures}, indent=1))
    progress(1.0, f"held-out loss {loss:.3f} nats per token")


def base_passages(packages: tuple[str, ...]) -> list[Passage]:
    """What a base reads: the library, the language's reference and the packages, less what is contributed."""
    return without_contributed([*library_passages(), *topic_passages(), *package_passages(packages)])


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


def card(preset: Preset, figures: dict[str, Any]) -> str:
    """The model card, in Hugging Face's form."""
    header = {"license": "psf-2.0", "library_name": "transformers", "pipeline_tag": "text-generation"}
    lines = [f"{key}: {value}" for key, value in header.items()]
    text = (
        f"A Llama of {figures['parameters']:,} parameters, trained from scratch on "
        f"{figures['trained_tokens']:,} tokens of the documentation and docstrings of Python "
        f"{platform.python_version()}"
        f"{' and of ' + ', '.join(preset.packages) if preset.packages else ''}. "
        f"Held-out loss {figures['held_out_loss']:.3f} nats per token. "
        "Small on purpose: it is what tests and demonstrations fine-tune."
    )
    return "\n".join(["---", *lines, "---", "", f"# openledger-base-{preset.name}", "", text, ""])
