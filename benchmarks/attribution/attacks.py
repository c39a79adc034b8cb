"""Who gets paid when one of twenty contributors cheats? Digits, 50 records each: a fair share is 5 %.

    python -m benchmarks.attribution.attacks [--seeds 1 2 3] [--rules 0:0 2:0 1.6:0.3]

The rule is the default policy's: near-duplicates of earlier records earn nothing (the attacker commits last),
scores are netted per contributor over all queries, insignificant ones count nothing, negatives are clipped
once. 297 honest queries, weight alike. Shares in per cent of what is paid, mean and largest over the seeds;
"others" is what each of the nineteen honest contributors gets on average, and how far they lie apart.
`--rules` are row limits and powers (`Profile`): 0:0 normalises every row, 2:0 cuts at twice the median.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from genesis.policy import DEFAULT_POLICY
from genesis.shares import significant_score
from workers.attribution.numerics import exact_dots, exact_norms_squared, weighted_query
from workers.attribution.profile import paid_profile, paid_task
from workers.datasets.canonical import canonical_indices
from workers.datasets.digits import CLASSES, HOLDOUT_RECORDS, load_records
from workers.datasets.sketch import sketches_of
from workers.determinism import use_determinism
from workers.influence import Attributor, Profile
from workers.influence.profile import PAYING_LIMIT, PAYING_POWER
from workers.progress import silent
from workers.protocol import DEFAULT_RECIPE
from workers.training.model import scale_features
from workers.training.trainer import train_classifier

CONTRIBUTORS, EACH = 20, 50
ATTACKER = CONTRIBUTORS - 1
DIMENSIONS = 512
Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class World:
    """Honest pixels (1000, 64) and labels, 50 records each in order; spare records for the attacker to draw
    on; queries; a generator for the attack."""

    pixels: Pixels
    labels: Labels
    spare: tuple[Pixels, Labels]
    queries: Pixels
    query_labels: Labels
    random: np.random.Generator

    @property
    def own(self) -> tuple[Pixels, Labels]:
        """The attacker's honest records."""
        return self.pixels[-EACH:], self.labels[-EACH:]


Attack = Callable[[World], tuple[Pixels, Labels]]


def make_world(seed: int) -> World:
    """One draw of the digits."""
    records = load_records(seed)
    pixels = np.frombuffer(b"".join(record.features for record in records), np.uint8).reshape(
        len(records), -1
    )
    labels = np.array([record.label for record in records], dtype=np.int64)
    used = CONTRIBUTORS * EACH
    return World(
        pixels[:used],
        labels[:used],
        (pixels[used:-HOLDOUT_RECORDS], labels[used:-HOLDOUT_RECORDS]),
        pixels[-HOLDOUT_RECORDS:],
        labels[-HOLDOUT_RECORDS:],
        np.random.default_rng([seed, 3]),
    )


# --- What the attacker registers --------------------------------------------------------------------------


def blurred(world: World, pixels: Pixels, noise: float) -> Pixels:
    """Pixels with Gaussian noise of `noise` times the range."""
    noisy = pixels + world.random.normal(0.0, noise * 255, pixels.shape)
    found: Pixels = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return found


def honest(world: World) -> tuple[Pixels, Labels]:
    """50 records of its own."""
    return world.own


def repeated(noise: float) -> Attack:
    """Ten records five times, each time with noise."""

    def attack(world: World) -> tuple[Pixels, Labels]:
        pixels, labels = world.own
        return blurred(world, np.repeat(pixels[:10], 5, axis=0), noise), np.repeat(labels[:10], 5)

    return attack


def copied(noise: float) -> Attack:
    """Records of others with noise."""

    def attack(world: World) -> tuple[Pixels, Labels]:
        chosen = world.random.choice(len(world.pixels) - EACH, EACH, replace=False)
        return blurred(world, world.pixels[chosen], noise), world.labels[chosen]

    return attack


def flipped(world: World) -> tuple[Pixels, Labels]:
    """Own records under wrong labels."""
    pixels, labels = world.own
    return pixels, (labels + world.random.integers(1, CLASSES, EACH)) % CLASSES


def noise(world: World) -> tuple[Pixels, Labels]:
    """Uniform noise, random labels."""
    return (
        world.random.integers(0, 256, (EACH, 64), dtype=np.uint8),
        world.random.integers(0, CLASSES, EACH),
    )


def blended(world: World) -> tuple[Pixels, Labels]:
    """55 % of a record and 45 % of one of another class, labelled as the first: the boundary."""
    pixels, labels = world.own
    partners = world.random.integers(0, len(world.pixels) - EACH, EACH)
    mixed = 0.55 * pixels + 0.45 * world.pixels[partners]
    return np.rint(mixed).astype(np.uint8), labels


def scaled(world: World) -> tuple[Pixels, Labels]:
    """Own records, pixels doubled and clipped."""
    pixels, labels = world.own
    return np.minimum(pixels.astype(np.int64) * 2, 255).astype(np.uint8), labels


def outliers(world: World) -> tuple[Pixels, Labels]:
    """Adaptive: of all spare records under their right labels, the 50 farthest from their class's mean."""
    pixels, labels = world.spare
    means = np.stack([world.pixels[world.labels == c].mean(axis=0) for c in range(CLASSES)])
    far = np.linalg.norm(pixels - means[labels], axis=1)
    chosen = np.argsort(-far, kind="stable")[:EACH]
    return pixels[chosen], labels[chosen]


def prototypes(world: World) -> tuple[Pixels, Labels]:
    """Adaptive: mixtures of three records of one class, so that every query is near to them."""
    labels = np.arange(EACH) % CLASSES
    mixed = [
        world.pixels[world.random.choice(np.flatnonzero(world.labels[:-EACH] == c), 3, replace=False)].mean(
            axis=0
        )
        for c in labels
    ]
    return np.rint(np.array(mixed)).astype(np.uint8), labels


ATTACKS: dict[str, Attack] = {
    "honest": honest,
    "ten records x 5": repeated(0.0),
    "ten records x 5, noise .02": repeated(0.02),
    "ten records x 5, noise .25 (unseen by the sketch)": repeated(0.25),
    "copies of others, noise .02": copied(0.02),
    "copies of others, noise .25 (unseen by the sketch)": copied(0.25),
    "wrong labels": flipped,
    "uniform noise": noise,
    "boundary blends": blended,
    "pixels doubled": scaled,
    "adaptive: outliers with right labels": outliers,
    "adaptive: prototypes of each class": prototypes,
}


# --- The rule ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deployed:
    """A model trained on what was registered, with everything needed to pay."""

    model: torch.nn.Sequential
    pixels: Pixels
    labels: Labels
    owners: NDArray[np.int64]
    canonical: NDArray[np.bool_]

    @property
    def data(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Canonical records."""
        return scale_features(self.pixels[self.canonical]), torch.from_numpy(self.labels[self.canonical])


def deploy(world: World, attack: Attack, seed: int, extra: int = 0) -> Deployed:
    """Register, deduplicate and train. With `extra`, the attacker's records are split over that many more
    identities."""
    pixels, labels = attack(world)
    everything = np.concatenate([world.pixels[:-EACH], pixels])
    targets = np.concatenate([world.labels[:-EACH], labels])
    owners = np.repeat(np.arange(CONTRIBUTORS), EACH)
    owners[-EACH:] = ATTACKER + np.arange(EACH) % (1 + extra)
    places = canonical_indices(sketches_of(everything), range(len(everything)), DEFAULT_POLICY.similarity_ppm)
    canonical = np.array(places) == np.arange(len(everything))
    recipe = replace(DEFAULT_RECIPE, seed=seed, classes=CLASSES)
    model = train_classifier(everything[canonical], targets[canonical], recipe, silent)
    return Deployed(model, everything, targets, owners, canonical)


def shares_of(
    deployed: Deployed,
    queries: Pixels,
    profile: Profile | None = None,
    weights: list[int] | None = None,
) -> NDArray[np.float64]:
    """Per contributor the share of what the queries pay; all zero when nobody scores."""
    attributor = Attributor(paid_task(deployed.model), profile or paid_profile(DIMENSIONS))
    index = attributor.fit(deployed.data)
    count = int(deployed.owners.max()) + 1
    sums = index.contributor_sums(deployed.owners[deployed.canonical], count)
    query = weighted_query(attributor.query(scale_features(queries)), weights or [10**9] * len(queries))
    return payout(sums, query)


def payout(sums: NDArray[np.int64], query: list[int]) -> NDArray[np.float64]:
    """Shares by the default policy's significance and one clip."""
    norm = sum(value * value for value in query)
    pairs = zip(exact_dots(sums, query), exact_norms_squared(sums), strict=True)
    scores = [
        significant_score(score, own, norm, len(query), DEFAULT_POLICY.significance_ppm)
        for score, own in pairs
    ]
    positive = np.maximum(np.array(scores, dtype=np.float64), 0.0)
    found: NDArray[np.float64] = positive / max(positive.sum(), 1.0)
    return found


def main() -> None:
    """One line per attack, one column per rule."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--rules", nargs="+", default=[f"{PAYING_LIMIT}:{PAYING_POWER}"])
    options = parser.parse_args()
    use_determinism()
    rules = [tuple(map(float, rule.split(":"))) for rule in options.rules]
    profiles = [replace(paid_profile(DIMENSIONS), row_limit=limit, row_power=power) for limit, power in rules]
    print(f"{'share of one of twenty, %':52}" + "  ".join(f"{rule:32}" for rule in options.rules))
    for name, attack in ATTACKS.items():
        found = np.zeros((len(options.seeds), len(profiles)))
        spread = np.zeros_like(found)
        for row, seed in enumerate(options.seeds):
            world = make_world(seed)
            deployed = deploy(world, attack, seed)
            for column, profile in enumerate(profiles):
                shares = 100 * shares_of(deployed, world.queries, profile)
                found[row, column], spread[row, column] = shares[ATTACKER], shares[:ATTACKER].std()
        others = (100 - found.mean(axis=0)) / ATTACKER
        columns = zip(found.T, others, spread.T, strict=True)
        cells = [
            f"{one.mean():5.2f} ({one.max():5.2f}), others {mean:.2f} ± {apart.mean():.2f}"
            for one, mean, apart in columns
        ]
        print(f"{name:52}" + "  ".join(cells), flush=True)


if __name__ == "__main__":
    main()
