"""How a fine-tuned model becomes a folder whose bytes depend on nothing but the training.

An adapter is a PEFT folder (`adapter_config.json`, `adapter_model.safetensors`) that names its base by
hash; a fully fine-tuned model is a folder like a base's, with the base's tokenizer files. Both carry a
card.
"""

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peft import get_peft_model_state_dict

from workers.artifacts.folders import SUFFIXES, TENSOR_SUFFIXES, store_folder
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.artifacts.tensors import encode_tensors
from workers.protocol import FinetuneRequest, Preferences
from workers.text.loading import ADAPTER_CONFIG, BASE_PREFIX

ADAPTER_WEIGHTS = "adapter_model.safetensors"
CARD = "README.md"
UNSTABLE_KEYS = ("peft_version", "revision", "inference_mode", "base_model_name_or_path")
"""Keys of an adapter's configuration that are written by us."""


def store_model(
    store: ArtifactStore, model: Any, request: FinetuneRequest, base: Path, card: str
) -> ArtifactId:
    """Keep the trained model as a folder; returns its hash."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if request.recipe.method == "full":
            write_whole_model(model, base, folder)
        else:
            write_adapter(model, request.base, folder)
        (folder / CARD).write_text(card)
        return store_folder(store, folder)


def write_adapter(model: Any, base: str, folder: Path) -> None:
    """A PEFT folder with sorted keys and tensors in name order."""
    state = get_peft_model_state_dict(model)
    weights = {name: value.detach().float().cpu().numpy() for name, value in state.items()}
    (folder / ADAPTER_WEIGHTS).write_bytes(encode_tensors(weights))
    settings = model.peft_config["default"].to_dict()
    document = {key: _plain(value) for key, value in settings.items() if key not in UNSTABLE_KEYS}
    document |= {"base_model_name_or_path": BASE_PREFIX + base, "inference_mode": True, "revision": None}
    (folder / ADAPTER_CONFIG).write_text(json.dumps(document, sort_keys=True, indent=1))


def write_whole_model(model: Any, base: Path, folder: Path) -> None:
    """Weights and configuration of the trained model, everything else from its base."""
    for file in base.rglob("*"):
        is_weights = file.name.endswith((*TENSOR_SUFFIXES, ".safetensors.index.json"))
        if file.is_file() and file.name.endswith(SUFFIXES) and not is_weights:
            copied = folder / file.relative_to(base)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copied)
    model.save_pretrained(folder)


def card_of(request: FinetuneRequest, figures: dict[str, Any]) -> str:
    """The model card in Hugging Face's form; says nothing that a second training would not say."""
    is_adapter = request.recipe.method != "full"
    header = [
        f"base_model: {BASE_PREFIX}{request.base}",
        f"base_model_relation: {'adapter' if is_adapter else 'finetune'}",
        f"license: {json.dumps(request.licence)}",
        f"library_name: {'peft' if is_adapter else 'transformers'}",
        "pipeline_tag: text-generation",
        "datasets:",
        *(f"- openledger/datanet-{each.datanet_id}@{each.version}" for each in request.datasets),
        "model-index:",
        f"- name: {json.dumps(request.name)}",
        *_results(figures),
    ]
    recipe = request.recipe
    is_preference = recipe.objective == "preference"
    how = f"{recipe.method}, preference pairs, beta {recipe.beta}" if is_preference else recipe.method
    body = (
        f"# {request.name}\n\n"
        f"Fine-tuned ({how}) on {figures['trained_records']} canonical records of "
        f"{len(request.datasets)} Datanet version(s), {recipe.epochs} epochs, seed {recipe.seed}.\n\n"
        f"{_comparison(figures)}\n\nEvery answer can be attributed to the records it came from; their "
        "contributors are paid by the chain. The training manifest trains this model again.\n"
    )
    return "\n".join(["---", *header, "---", "", body])


def _results(figures: dict[str, Any]) -> Sequence[str]:
    if not figures["held_out_records"]:
        return ["  results: []"]
    preferences: Preferences = figures["preferences"]
    name, value = (
        ("accuracy\n      name: preferred answers told by implicit reward", preferences.accuracy)
        if preferences.pairs
        else ("loss\n      name: nats per token", figures["holdout_loss"])
    )
    return [
        "  results:",
        "  - task:\n      type: text-generation",
        "    dataset:\n      name: held-out records\n      type: openledger",
        f"    metrics:\n    - type: {name}",
        f"      value: {value:.4f}",
    ]


def _comparison(figures: dict[str, Any]) -> str:
    if not figures["held_out_records"]:
        return "No records were held out to measure on."
    preferences: Preferences = figures["preferences"]
    if preferences.pairs:
        return (
            f"{preferences.pairs} held-out pairs: the chosen answer has the larger implicit reward in "
            f"{preferences.accuracy:.3f} of them (mean margin {preferences.margin:.4f}), and is the likelier "
            f"one in {preferences.likelier:.3f}; by the base in {preferences.base_likelier:.3f}. Loss "
            f"{figures['holdout_loss']:.4f} nats per pair; the base's, before any training, is ln 2."
        )
    return (
        f"Loss on {figures['held_out_records']} held-out records: {figures['holdout_loss']:.4f} nats per "
        f"token; the base's: {figures['base_holdout_loss']:.4f}."
    )


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
