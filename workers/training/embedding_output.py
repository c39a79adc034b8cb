"""How a trained encoder becomes a folder whose bytes depend on nothing but the training: PEFT's, or with all
weights trained one like its base's."""

import json
import tempfile
from pathlib import Path
from typing import Any

from workers.artifacts.folders import store_folder
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.protocol import Retrieval, TrainEmbeddingRequest
from workers.text.encoders import Encoder
from workers.text.loading import BASE_PREFIX, folder_of
from workers.training.text_output import CARD, write_adapter, write_whole_model


def store_encoder(
    store: ArtifactStore, encoder: Encoder, request: TrainEmbeddingRequest, card: str
) -> ArtifactId:
    """Keep the adapter, or the whole encoder, as a folder; returns its hash."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if request.recipe.method == "full":
            write_whole_model(encoder.pooled.encoder, folder_of(store, request.base), folder)
        else:
            write_adapter(encoder.pooled.encoder, request.base, folder)
        (folder / CARD).write_text(card)
        return store_folder(store, folder)


def embedding_card(request: TrainEmbeddingRequest, figures: dict[str, Any]) -> str:
    """The model card in Hugging Face's form; says nothing that a second training would not say."""
    recipe = request.recipe
    is_whole = recipe.method == "full"
    header = [
        f"base_model: {BASE_PREFIX}{request.base}",
        f"base_model_relation: {'finetune' if is_whole else 'adapter'}",
        f"license: {json.dumps(request.licence)}",
        "library_name: sentence-transformers",
        "pipeline_tag: sentence-similarity",
        "datasets:",
        *(f"- openledger/datanet-{each.datanet_id}@{each.version}" for each in request.datasets),
    ]
    what = "All weights of an encoder" if is_whole else f"An adapter of rank {recipe.rank} for an encoder"
    mined = f", {recipe.hard_negatives} mined negatives each" if recipe.hard_negatives else ""
    body = (
        f"# {request.name}\n\n"
        f"{what}, trained on the pairs of {figures['trained_records']} canonical records{mined}, "
        f"{recipe.epochs} epochs, seed {recipe.seed}. "
        "Vectors are means over tokens at unit length.\n\n"
        f"{_comparison(figures['held_out_records'], figures['base_retrieval'], figures['retrieval'])}\n"
    )
    return "\n".join(["---", *header, "---", "", body])


def _comparison(pairs: int, base: Retrieval, tuned: Retrieval) -> str:
    if not pairs:
        return "No pairs were held out to measure on."
    return (
        f"{pairs} held-out pairs among {tuned.candidates} texts: recall@1 {tuned.recall_at_1:.3f} "
        f"(base {base.recall_at_1:.3f}), recall@5 {tuned.recall_at_5:.3f} (base {base.recall_at_5:.3f})."
    )
