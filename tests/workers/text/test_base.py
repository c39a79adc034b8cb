"""The project's own base: made the same twice, better than chance, readable by anybody's tools."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from workers.artifacts.folders import materialise, store_folder
from workers.artifacts.store import ArtifactStore
from workers.errors import InvalidInputError
from workers.progress import silent
from workers.text import base
from workers.text.corpus import SUBJECTS, base_passages, subject_passages


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("base")
    base.build(base.PRESETS["tiny"], made, silent)
    return made


def test_it_has_learnt_something(folder: Path) -> None:
    figures = json.loads((folder / base.RECIPE_FILE).read_text())["figures"]
    assert figures["held_out_loss"] < math.log(base.PRESETS["tiny"].vocabulary) - 0.8
    assert figures["parameters"] < 100_000


def test_the_same_recipe_gives_the_same_weights(folder: Path, tmp_path: Path) -> None:
    base.build(base.PRESETS["tiny"], tmp_path, silent)
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_the_folder_is_an_artefact_that_loads(folder: Path, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    copy = materialise(store, store_folder(store, folder), tmp_path / "cache")
    model = AutoModelForCausalLM.from_pretrained(copy, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(copy, local_files_only=True)
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is os.path?"}], add_generation_prompt=True, tokenize=False
    )
    assert asked == "<|begin|><|user|>What is os.path?<|end|><|assistant|>"
    tokens = tokenizer(asked, add_special_tokens=False, return_tensors="pt").input_ids
    assert tokens[0, 0] == tokenizer.bos_token_id
    assert model(tokens).logits.shape == (1, tokens.shape[1], len(tokenizer))


@pytest.mark.parametrize("text", ["déjà vu ∑ 🙂\n\ttabs", "x" * 50, "<|end|>"])
def test_every_text_comes_back(folder: Path, text: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_the_recipe_names_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tiny = base.PRESETS["tiny"]
    assert base.cached_base("tiny") is None
    assert base.cache_directory() == tmp_path / "openledger-node" / "bases"
    assert base.recipe_hash(replace(tiny, seed=2)) != base.recipe_hash(tiny)


def test_a_made_base_is_found_and_not_made_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    target = base.cache_directory() / base.recipe_hash(base.PRESETS["tiny"])
    target.parent.mkdir(parents=True)
    target.symlink_to(folder)
    monkeypatch.setattr(base, "build", None)
    assert base.make_base("tiny") == target


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="small"):
        base.make_base("huge")


def test_subjects_are_kept_from_the_base() -> None:
    known = {passage.text for passage in base_passages()}
    for subject in SUBJECTS:
        passages = subject_passages(subject)
        assert len(passages) >= 150
        assert sum(passage.text in known for passage in passages) <= len(passages) // 50
