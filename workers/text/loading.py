"""How a base and its adapter become a model in memory: from folders on this machine, weights as safetensors
only.

Covered: the wrong kind of folder, code that a folder brings along (never run), an adapter for another base,
4-bit loading where there is CUDA. Not covered: serving many adapters at once (`workers.serving`).
"""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from workers.artifacts.folders import materialise
from workers.artifacts.store import ArtifactStore
from workers.determinism import device_of
from workers.errors import InvalidInputError
from workers.text.base import cache_directory

BASE_PREFIX = "sha256:"
"""An adapter's `base_model_name_or_path` is this and the hash of its base's folder."""
ADAPTER_CONFIG = "adapter_config.json"
NO_LIMIT = 1 << 30
"""For the tokenizer, which warns of long texts; whoever makes sequences cuts them."""

transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # upstream


@dataclass(frozen=True, slots=True)
class TextModel:
    """A causal language model in evaluation mode with its tokenizer."""

    model: Any
    tokenizer: Any

    @property
    def context(self) -> int:
        """How many tokens it can look at."""
        return int(self.model.config.max_position_embeddings)


def folder_of(store: ArtifactStore, name: str) -> Path:
    """A folder artefact as files of this machine's cache."""
    return materialise(store, name, cache_directory().parent / "folders")


def load_folder(folder: Path, *, is_four_bit: bool = False) -> TextModel:
    """A base from its folder in float32; raises InvalidInputError when it is none."""
    settings: dict[str, Any] = {"quantization_config": four_bit_settings()} if is_four_bit else {}
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.bfloat16 if is_four_bit else torch.float32,
            **settings,
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise InvalidInputError(f"the base does not load: {first_line(error)}") from error
    tokenizer.model_max_length = NO_LIMIT
    if not is_four_bit:
        model.to(device_of())
    return TextModel(model.train(False), tokenizer)


def load_base(store: ArtifactStore, base: str, *, is_four_bit: bool = False) -> TextModel:
    """A base by its folder's hash; raises InvalidInputError, ArtifactError."""
    return load_folder(folder_of(store, base), is_four_bit=is_four_bit)


def load_adapted(store: ArtifactStore, base: str, adapter: str) -> TextModel:
    """A base with an adapter whose factors are trainable and nothing else; raises InvalidInputError."""
    folder = folder_of(store, adapter)
    check_adapter(folder, base)
    loaded = load_base(store, base)
    try:
        with without_deprecations():
            model = PeftModel.from_pretrained(loaded.model, folder, is_trainable=True, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise InvalidInputError(f"the adapter does not load: {first_line(error)}") from error
    return TextModel(model.train(False), loaded.tokenizer)


def check_adapter(folder: Path, base: str) -> None:
    """Raises InvalidInputError unless the folder holds an adapter of `base`."""
    try:
        named = json.loads((folder / ADAPTER_CONFIG).read_text())["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(f"{folder.name} holds no PEFT adapter: {error}") from error
    if named != BASE_PREFIX + base:
        raise InvalidInputError(f"the adapter is for the base {named!r}, not {BASE_PREFIX}{base}")


@contextmanager
def without_deprecations() -> Iterator[None]:
    """`peft` asks `transformers` for an attribute by its former name; nobody here can act on that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def four_bit_settings() -> Any:
    """4-bit NormalFloat with nested scales, computed in bfloat16; raises InvalidInputError without CUDA.

    Source: Dettmers et al. 2023 (QLoRA).
    """
    if not torch.cuda.is_available():
        raise InvalidInputError("qlora needs a CUDA device, and this worker has none: choose lora")
    try:
        return transformers.BitsAndBytesConfig(  # type: ignore[no-untyped-call]  # upstream
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    except ImportError as error:
        raise InvalidInputError(f"qlora needs the bitsandbytes package: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """What an error of the libraries says first."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
