"""Fine-tuning: it learns, it repeats bit for bit, it survives kills, and foreign bases load."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from tests.workers.text_chain import RECIPE, TextChain
from workers.artifacts import canonical_json
from workers.artifacts.folders import materialise, read_folder, store_folder
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.errors import InvalidInputError, JobCancelledError
from workers.jobs.evaluate import evaluate
from workers.jobs.finetune import finetune
from workers.jobs.verify import verify
from workers.progress import silent
from workers.protocol import NO_ARTIFACT, EvaluateRequest, FineTuneRecipe, FinetuneRequest, VerifyRequest
from workers.text.base import make_base
from workers.text.examples import example_of
from workers.text.loading import four_bit_settings, load_folder
from workers.text.presets import PRESETS
from workers.training.checkpoints import checkpoint_path
from workers.training.finetuning import fine_tune
from workers.training.text_manifest import LATER_SETTINGS, read_text_manifest


@pytest.fixture
def copy(text_chain: TextChain, tmp_path: Path) -> ArtifactStore:
    """The chain's artefacts with a place for checkpoints of its own."""
    store = ArtifactStore(tmp_path / "artifacts")
    for file in text_chain.store.directory.iterdir():
        (store.directory / file.name).hardlink_to(file)
    return store


def test_held_out_loss_falls_below_the_bases(text_chain: TextChain) -> None:
    trained = text_chain.trained
    assert trained.holdout_loss < trained.base_holdout_loss - 0.01
    assert trained.losses[-1].loss < trained.losses[0].loss
    assert (trained.records, trained.held_out_records) == (60, 10)
    assert trained.trained_records == trained.canonical_records <= 60
    assert trained.losses[-1].step == 3 * -(-trained.trained_records // RECIPE.batch_size)


def test_the_adapter_is_a_peft_folder_that_names_its_base(text_chain: TextChain, tmp_path: Path) -> None:
    folder = materialise(text_chain.store, text_chain.trained.model, tmp_path)
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == f"sha256:{text_chain.base}"
    base = AutoModelForCausalLM.from_pretrained(make_base("tiny"), local_files_only=True)
    tokens = torch.arange(20)[None]
    before = base(tokens).logits
    with pytest.warns(FutureWarning):
        adapted = PeftModel.from_pretrained(base, folder)
    assert not torch.allclose(adapted(tokens).logits, before)
    card = (folder / "README.md").read_text()
    assert f"base_model: sha256:{text_chain.base}" in card
    assert "openledger/datanet-1@1" in card


def test_the_manifest_trains_to_the_same_bytes(text_chain: TextChain, copy: ArtifactStore) -> None:
    found = verify(copy, VerifyRequest(text_chain.trained.manifest))
    assert found.is_same
    assert found.retrained == text_chain.trained.model
    assert (found.largest_difference, found.differing_settings) == (0.0, ())


@pytest.mark.slow
def test_verify_shows_the_distance_of_another_adapter(text_chain: TextChain, copy: ArtifactStore) -> None:
    other = finetune(copy, replace(text_chain.request, recipe=replace(RECIPE, seed=2)))
    manifest = copy.get(text_chain.trained.manifest).decode()
    forged = copy.put(manifest.replace(text_chain.trained.model, other.model).encode())
    found = verify(copy, VerifyRequest(forged))
    assert not found.is_same
    assert found.largest_difference > 1e-3
    assert found.relative_difference > 0.1


@pytest.mark.parametrize("stop_at", [pytest.param(0.25, marks=pytest.mark.slow), 0.6])
def test_a_stopped_run_goes_on_to_the_same_bytes(
    text_chain: TextChain, copy: ArtifactStore, stop_at: float
) -> None:
    reached: list[float] = []

    def stop(done: float, text: str) -> None:
        reached.append(done)
        if done > stop_at:
            raise JobCancelledError("killed")

    with pytest.raises(JobCancelledError):
        finetune(copy, text_chain.request, stop)
    assert checkpoint_path(copy, text_chain.request).is_file()
    resumed: list[float] = []
    again = finetune(copy, text_chain.request, lambda done, text: resumed.append(done))
    assert resumed[0] > 0.1
    assert again.model == text_chain.trained.model
    assert again.manifest == text_chain.trained.manifest
    assert not checkpoint_path(copy, text_chain.request).exists()


@pytest.mark.slow
def test_a_damaged_checkpoint_is_as_good_as_none(text_chain: TextChain, copy: ArtifactStore) -> None:
    path = checkpoint_path(copy, text_chain.request)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a file")
    assert finetune(copy, text_chain.request).model == text_chain.trained.model


def test_progress_tells_loss_speed_and_time_left(text_chain: TextChain, copy: ArtifactStore) -> None:
    texts: list[str] = []
    finetune(copy, text_chain.request, lambda done, text: texts.append(text))
    assert texts[3].startswith("step 4 of ")
    assert all(word in texts[3] for word in ("loss", "tokens/s", "s left"))


def test_evaluation_repeats_the_trainings_figures(text_chain: TextChain) -> None:
    found = evaluate(text_chain.store, EvaluateRequest(text_chain.trained.manifest))
    assert found.loss == pytest.approx(text_chain.trained.holdout_loss, abs=1e-6)
    assert found.base_loss == pytest.approx(text_chain.trained.base_holdout_loss, abs=1e-6)
    assert found.better > found.records / 2


def test_one_record_in_n_is_held_out(text_chain: TextChain, copy: ArtifactStore) -> None:
    recipe = replace(RECIPE, epochs=1, holdout_every=5)
    found = finetune(copy, replace(text_chain.request, holdout=NO_ARTIFACT, recipe=recipe))
    assert found.held_out_records == found.canonical_records // 5
    assert found.trained_records + found.held_out_records == found.canonical_records


def test_full_fine_tuning_gives_a_folder_like_a_base(
    text_chain: TextChain, copy: ArtifactStore, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, method="full", epochs=1, learning_rate=0.001)
    request = replace(text_chain.request, recipe=recipe)
    found = finetune(copy, request)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(read_folder(copy, found.model))
    assert found.holdout_loss < found.base_holdout_loss
    assert finetune(copy, request).model == found.model
    assert finetune(copy, replace(request, base=found.model)).base_holdout_loss == pytest.approx(
        found.holdout_loss, abs=1e-5
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "prefix"}, "method"),
        ({"rank": 0}, "rank"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"max_tokens": 100_000}, "max_tokens"),
        ({"holdout_every": 1}, "holdout_every"),
        ({"targets": ("nowhere",)}, "adapters do not fit"),
    ],
)
def test_impossible_recipes_are_refused(text_chain: TextChain, changes: dict[str, Any], message: str) -> None:
    recipe = FineTuneRecipe(**{"max_tokens": 128, **changes})
    with pytest.raises(InvalidInputError, match=message):
        finetune(text_chain.store, replace(text_chain.request, recipe=recipe))


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without CUDA")
def test_qlora_without_cuda_says_so(text_chain: TextChain) -> None:
    with pytest.raises(InvalidInputError, match="CUDA device"):
        finetune(text_chain.store, replace(text_chain.request, recipe=replace(RECIPE, method="qlora")))


def test_qlora_asks_transformers_for_four_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contract with transformers: NormalFloat, nested scales, bfloat16 products."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    asked = four_bit_settings().to_dict()
    assert asked["load_in_4bit"]
    assert (asked["bnb_4bit_quant_type"], asked["bnb_4bit_use_double_quant"]) == ("nf4", True)
    assert asked["bnb_4bit_compute_dtype"] == "bfloat16"


def test_qlora_trains_adapters_on_a_frozen_base(text_chain: TextChain, tmp_path: Path) -> None:
    """The contract with peft, on a base that is not quantised: only the factors are trained."""
    base = load_folder(make_base("tiny"))
    before = {name: value.clone() for name, value in base.model.state_dict().items()}
    recipe = replace(RECIPE, method="qlora", epochs=6)
    examples = [example_of(record, base.tokenizer, 64) for record in text_chain.parts.parts[0]]
    trained = fine_tune(base, examples, replace(recipe, max_tokens=64), tmp_path / "checkpoint", silent)
    assert trained.losses[-1].loss < trained.losses[0].loss
    assert trained.parameters == text_chain.trained.trained_parameters
    after = {name.replace(".base_layer", ""): value for name, value in base.model.state_dict().items()}
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_a_loss_that_is_no_number_ends_the_run(
    text_chain: TextChain, copy: ArtifactStore, tmp_path: Path
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(make_base("tiny"), folder)
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"][0] = float("nan")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InvalidInputError, match="lower the learning rate"):
        finetune(copy, replace(text_chain.request, base=store_folder(copy, folder)))


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_folders_of_other_families_are_bases(
    text_chain: TextChain, copy: ArtifactStore, tmp_path: Path, family: str
) -> None:
    sizes: dict[str, Any] = {
        "vocab_size": PRESETS["tiny"].vocabulary,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 256,
    }
    torch.manual_seed(1)
    model = (
        LlamaForCausalLM(LlamaConfig(**sizes))
        if family == "llama"
        else Qwen2ForCausalLM(Qwen2Config(**sizes))
    )
    folder = tmp_path / family
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((make_base("tiny") / name).read_bytes())
    request = replace(text_chain.request, base=store_folder(copy, folder), recipe=replace(RECIPE, epochs=1))
    found = finetune(copy, request)
    assert found.holdout_loss < found.base_holdout_loss
    assert read_text_manifest(copy, found.manifest).base == request.base


def test_a_version_of_vectors_is_refused(text_chain: TextChain, copy: ArtifactStore) -> None:
    source = replace(
        text_chain.version.contributions[0], artifact=copy.put(b'{"features":[1,2],"label":0}\n')
    )
    version = replace(text_chain.version, contributions=(source,))
    with pytest.raises(InvalidInputError, match="vectors"):
        finetune(copy, FinetuneRequest("x", text_chain.base, (version,)))


def test_what_is_no_model_folder_is_refused(text_chain: TextChain, copy: ArtifactStore) -> None:
    with pytest.raises(InvalidInputError, match="not a model folder"):
        finetune(copy, replace(text_chain.request, base=text_chain.request.holdout))
    with pytest.raises(InvalidInputError, match="does not load"):
        finetune(copy, replace(text_chain.request, base=text_chain.trained.model))


def older(store: ArtifactStore, manifest: str) -> str:
    """The manifest as it was written before its later settings were there."""
    document: Any = canonical_json.decode(store.get(manifest))
    for name in LATER_SETTINGS:
        del document["recipe"][name]
    del document["preferences"], document["rewards"]
    return store.put(canonical_json.encode(document))


def test_a_manifest_from_before_a_setting_was_there_means_its_default(
    text_chain: TextChain, copy: ArtifactStore
) -> None:
    old = older(copy, text_chain.trained.manifest)
    assert read_text_manifest(copy, old) == read_text_manifest(copy, text_chain.trained.manifest)
    document: Any = canonical_json.decode(copy.get(old))
    del document["recipe"]["rank"]
    with pytest.raises(InvalidInputError, match="recipe"):
        read_text_manifest(copy, copy.put(canonical_json.encode(document)))


@pytest.mark.slow
def test_such_a_manifest_verifies(text_chain: TextChain, copy: ArtifactStore) -> None:
    old = older(copy, text_chain.trained.manifest)
    assert verify(copy, VerifyRequest(ArtifactId(old))).is_same
