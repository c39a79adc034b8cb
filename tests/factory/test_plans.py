"""Wishes are checked by field; a plan names the command that does the same; estimates and settings."""

import shlex
from typing import Any

import pytest

from openledger_node.errors import UserError
from openledger_node.factory.estimate import estimate, last_speed
from openledger_node.factory.plans import command_of, wish_from
from openledger_node.factory.progress import fields_of
from openledger_node.factory.recipes import (
    classifier_recipe,
    described,
    embedding_recipe,
    fine_tune_recipe,
)
from openledger_node.factory.settings import setting
from openledger_node.jobs.machine import Job, JobState
from workers.protocol import FineTuneRecipe

BODY: dict[str, Any] = {
    "name": "Law helper",
    "base": "ab" * 32,
    "datanets": [{"id": 1}, {"id": 2, "version": 3}],
    "settings": {"rank": 16, "targets": ["q_proj", "v_proj"]},
}


def test_a_wish_is_read_and_written_as_a_command() -> None:
    wish = wish_from(BODY)
    assert wish.datanets == ((1, 0), (2, 3))
    assert wish.preset == "standard"
    parts = shlex.split(command_of(wish))
    assert parts[:5] == ["openledger-node", "factory", "train", "--name", "Law helper"]
    assert [parts[i + 1] for i, part in enumerate(parts) if part == "--datanet"] == ["1:0", "2:3"]
    written = dict(setting(parts[i + 1]) for i, part in enumerate(parts) if part == "--set")
    assert written == BODY["settings"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": " "}, "name"),
        ({"datanets": []}, "datanets"),
        ({"datanets": [{"version": 1}]}, "Datanet is"),
        ({"datanets": [{"id": "1"}]}, "numbers"),
        ({"datanets": [{"id": 1}, {"id": 1}]}, "twice"),
        ({"preset": 1}, "preset must be text"),
        ({"settings": []}, "settings"),
        ({"colour": "red"}, "unknown field 'colour'"),
    ],
)
def test_wrong_wishes_name_the_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        wish_from({**BODY, **changes})


def test_presets_are_offered_by_kind_and_settings_change_them() -> None:
    assert {kind: len(found) for kind, found in described().items()} == {
        "finetune": 4,
        "train_embedding": 2,
        "train": 3,
    }
    assert embedding_recipe("embedding", {"temperature": 0.1}).temperature == 0.1
    assert fine_tune_recipe("quick", {"rank": 2, "targets": ["q_proj"]}).targets == ("q_proj",)
    assert classifier_recipe("standard", {"hidden": [8]}).hidden == (8,)
    with pytest.raises(UserError, match="standard"):
        fine_tune_recipe("best", {})
    with pytest.raises(UserError, match="no setting 'ranks'"):
        fine_tune_recipe("quick", {"ranks": 1})
    with pytest.raises(UserError, match="rank: expected int"):
        fine_tune_recipe("quick", {"rank": "many"})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("rank=16", 16),
        ("learning_rate=0.002", 0.002),
        ("method=full", "full"),
        ("targets=q_proj,v_proj", ["q_proj", "v_proj"]),
        ("hidden=8,4", [8, 4]),
    ],
)
def test_settings_are_read_from_text(text: str, value: Any) -> None:
    assert setting(text) == (text.partition("=")[0], value)


@pytest.mark.parametrize("text", ["rank", "=3", "hidden=a"])
def test_malformed_settings_are_refused(text: str) -> None:
    with pytest.raises(UserError):
        setting(text)


def test_work_is_estimated_from_size_and_the_last_speed() -> None:
    recipe = FineTuneRecipe(epochs=2, batch_size=8, max_tokens=100)
    found = estimate(20, 8_000, recipe, 100.0)
    assert (found.steps, found.tokens) == (6, 2 * 2_000)
    assert found.seconds == pytest.approx(40, rel=0.1)
    assert estimate(20, 4_000, recipe, None).seconds is None


def test_the_speed_is_the_newest_finished_runs_on_the_base() -> None:
    def job(state: JobState, base: str, speed: float) -> Job:
        return Job("id", "finetune", {"base": base}, 0.0, state, result={"tokens_per_s": speed})

    jobs = [job(JobState.FAILED, "a", 1), job(JobState.DONE, "b", 2), job(JobState.DONE, "a", 3)]
    assert last_speed(jobs, "a") == 3
    assert last_speed(jobs, "c") is None


def test_progress_is_read_back_from_the_trainers_sentence() -> None:
    found = fields_of("step 12 of 114, loss 4.2031, 380 tokens/s, 95 s left")
    assert found == {"step": 12, "steps": 114, "loss": 4.2031, "tokens_per_s": 380, "seconds_left": 95}
    assert fields_of("curvature fitted") == {}
    pairs = fields_of("step 2 of 9, loss 0.6012, margin -0.0321, accuracy 0.7500, 80 tokens/s, 5 s left")
    assert (pairs["margin"], pairs["accuracy"], pairs["seconds_left"]) == (-0.0321, 0.75, 5)
