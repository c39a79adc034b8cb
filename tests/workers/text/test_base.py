"""The project's own base: made the same twice, better than chance, readable by anybody's tools."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from workers.artifacts.folders import materialise, store_folder
from workers.artifacts.store import ArtifactStore
from workers.errors import InvalidInputError
from workers.progress import silent
from workers.text import base, pretraining
from workers.text.corpus import Passage
from workers.text.presets import PRESETS

TINY = PRESETS["tiny"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("base")
    base.build(TINY, made, silent, made.with_suffix(".checkpoint"))
    return made


def test_it_has_learnt_something(folder: Path) -> None:
    figures = json.loads((folder / base.RECIPE_FILE).read_text())["figures"]
    assert figures["held_out_loss"] < math.log(TINY.vocabulary) - 0.8
    assert figures["parameters"] < 100_000


def test_an_interrupted_run_goes_on_to_the_same_weights(
    monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(pretraining, "CHECKPOINT_STEPS", 20)
    checkpoint, heard = tmp_path / "base.checkpoint", list[str]()

    def interrupt(done: float, text: str) -> None:
        if text.startswith("step 45 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        base.build(TINY, tmp_path, interrupt, checkpoint)
    base.build(TINY, tmp_path, lambda done, text: heard.append(text), checkpoint)
    assert next(text for text in heard if text.startswith("step")).startswith("step 41 ")
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_a_broken_checkpoint_is_as_good_as_none(tmp_path: Path) -> None:
    checkpoint = tmp_path / "base.checkpoint"
    checkpoint.write_bytes(b"half a file")
    config = LlamaConfig(vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1)
    run = pretraining.Pretraining(LlamaForCausalLM(config), TINY, checkpoint)
    assert (run.step, run.tokens) == (0, 0)


@pytest.mark.slow
def test_a_killed_process_is_taken_up(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "workers.text.main", "--preset", "tiny", "--report-every", "0"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as killed:
        assert killed.stderr is not None
        assert "not in the cache" in killed.stderr.readline()
        assert any("step 55 " in line for line in killed.stderr)
        killed.kill()
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "step 51 " in again.stderr
    assert "step 50 " not in again.stderr
    kept = {path.suffix for path in (tmp_path / "openledger-node" / "bases").iterdir()}
    assert ".checkpoint" not in kept


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
    assert base.cached_base("tiny") is None
    assert base.cache_directory() == tmp_path / "openledger-node" / "bases"
    assert base.recipe_hash(replace(TINY, seed=2)) != base.recipe_hash(TINY)


def test_a_made_base_is_found_and_not_made_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    target = base.cache_directory() / base.recipe_hash(TINY)
    target.parent.mkdir(parents=True)
    target.symlink_to(folder)
    monkeypatch.setattr(base, "build", None)
    assert base.make_base("tiny") == target


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="small"):
        base.make_base("huge")


def test_steps_take_every_document_once_an_epoch() -> None:
    lengths = np.random.default_rng(1).integers(1, 256, 1_500).tolist()
    found = pretraining.batches(lengths, 1_024, np.random.default_rng(2))
    assert sorted(row for rows in found for row in rows) == list(range(1_500))
    assert all(max(lengths[row] for row in rows) * len(rows) <= 1_024 for rows in found)


def test_what_is_learnt_of_a_question_is_its_answer(folder: Path) -> None:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    passage = Passage("os.getpid", "", "Return the current process id. " * 40)
    as_text, as_answer = (pretraining.documents([passage], tokenizer, 64, epoch) for epoch in (0, 1))
    first = as_answer[0]
    assert str(tokenizer.decode(list(first.tokens[: first.learnt]))) == (
        "<|begin|><|user|>What is os.getpid?<|end|><|assistant|>"
    )
    assert (as_text[0].learnt, as_answer[1].learnt) == (1, 1)
    assert all(len(document.tokens) <= 64 for document in (*as_text, *as_answer))
    said = str(tokenizer.decode([token for document in as_answer for token in document.tokens]))
    assert said.endswith(passage.text + "<|end|>")
