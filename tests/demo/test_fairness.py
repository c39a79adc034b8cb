"""What copies and wrong labels are worth by the worker's own jobs at the demo's size, over seeds 1 to 3.

No network: the same jobs that the node runs, in this process. Roles are known here and to no job.
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import pytest

from genesis.policy import DEFAULT_POLICY
from openledger_node.demo.records import DEFAULT_INFERENCES, DemoOptions
from openledger_node.demo.report import MAXIMUM_COPY_PART, MAXIMUM_WRONG_LABEL_PART
from tests.demo.digits import CHAIN_ID, ask_digits, person
from workers.artifacts.store import ArtifactStore
from workers.attribution.index import read_index, read_rows
from workers.attribution.scoring import record_scores
from workers.jobs.attribution import compute_post
from workers.protocol import (
    AttributionRequest,
    BigInt,
    SettledBatch,
)

SEEDS = (1, 2, 3)
COPY_NOISE = DemoOptions().copy_noise
LARGE_NOISE = 0.25
"""So much that the copy is no longer similar: reported, not judged."""
ORIGINAL, MISLABELLED, COPY = 0, 3, 4
POOL_WEI = 10**18


@dataclass(frozen=True)
class Outcome:
    """What the copy earned as a part of its original, a wrong label's score as a part of a clean one's."""

    copy: float
    wrong: float
    accuracy: float


def run_jobs(store: ArtifactStore, seed: int, noise: float) -> Outcome:
    """Train, index, ask, attribute."""
    asked = ask_digits(store, seed, noise, DEFAULT_INFERENCES)
    request = AttributionRequest(
        index=asked.index,
        chain_id=CHAIN_ID,
        feature_index_id=1,
        poster=person(9),
        batches=(SettledBatch(1, BigInt(POOL_WEI), asked.queries),),
        significance_ppm=DEFAULT_POLICY.significance_ppm,
        maximum_share_ppm=DEFAULT_POLICY.maximum_share_ppm,
    )
    found = read_index(store, asked.index)
    post = compute_post(store, found, request)
    paid = dict(zip(post.contributors, post.amounts(), strict=True))
    rows = read_rows(store, found.rows)
    scores = record_scores(rows, list(post.batches[0].query))
    owner = found.sums.contributors.index(person(MISLABELLED))
    own = [i for i in range(len(scores)) if int(rows.owners[i]) == owner]
    wrong = {own[place] for place in asked.parts.wrong_indices}
    return Outcome(
        copy=paid[person(COPY)] / paid[person(ORIGINAL)],
        wrong=fmean(scores[i] for i in own if i in wrong) / fmean(scores[i] for i in own if i not in wrong),
        accuracy=asked.holdout_accuracy,
    )


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[float, list[Outcome]]:
    store = ArtifactStore(Path(tmp_path_factory.mktemp("fairness")))
    return {noise: [run_jobs(store, seed, noise) for seed in SEEDS] for noise in (COPY_NOISE, LARGE_NOISE)}


def test_a_copy_earns_under_a_tenth_of_its_original(outcomes: dict[float, list[Outcome]]) -> None:
    copies = [outcome.copy for outcome in outcomes[COPY_NOISE]]
    assert fmean(copies) < MAXIMUM_COPY_PART, copies


def test_wrong_labels_score_under_half_of_clean_ones(outcomes: dict[float, list[Outcome]]) -> None:
    for noise, found in outcomes.items():
        wrong = [outcome.wrong for outcome in found]
        assert fmean(wrong) < MAXIMUM_WRONG_LABEL_PART, (noise, wrong)


def test_the_model_is_worth_paying_for(outcomes: dict[float, list[Outcome]]) -> None:
    assert fmean(outcome.accuracy for outcome in outcomes[COPY_NOISE]) > 0.9


def test_the_figures_are_shown(
    outcomes: dict[float, list[Outcome]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Also for the noise that makes a copy pass as data of its own."""
    with capsys.disabled():
        print(f"\n\nseeds {SEEDS}, {DEFAULT_INFERENCES} queries; means, then each seed")
        for noise, found in outcomes.items():
            for name in ("copy", "wrong"):
                values = [getattr(outcome, name) for outcome in found]
                what = {"copy": "copy earns of its original", "wrong": "wrong label scores of a clean one"}[
                    name
                ]
                shown = " ".join(f"{value:6.3f}" for value in values)
                print(f"  noise {noise:.2f}: {what:34} {fmean(values):6.3f}   ({shown})")
    assert all(outcome.copy >= 0 for outcome in outcomes[LARGE_NOISE])
