"""What data may be used for, and what stands in the way: licences, usage rules, files, forms. Decides; reads
nothing.

Licences are known by their SPDX-like short ids (`cc-by-nc-4.0`). This is a check for mistakes, not legal
advice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

PREFERENCE = "preference"
"""The form of a record and the objective of a recipe."""
USAGE_OPEN, USAGE_BY_GRANT, USAGE_PRICED = range(3)
PERMISSIVE = frozenset(
    {"mit", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "psf-2.0", "cc0-1.0", "odc-by", "unlicense", "pddl"}
)


@dataclass(frozen=True, slots=True)
class DatanetTerms:
    """What the chain says of one Datanet's version, and what the model's owner may do with it."""

    datanet_id: int
    version: int
    name: str
    licence: str
    usage: int
    may_use: bool
    usage_price_wei: int
    contributions: int
    records: int
    missing_files: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """`problems` forbid to train, `warnings` should be read."""

    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def fitting(verdict: Verdict, objective: str, forms: Mapping[int, str]) -> Verdict:
    """The verdict with what the forms of contributions, by their numbers, say to a recipe's objective."""
    others = [number for number, form in forms.items() if form != PREFERENCE]
    if objective == PREFERENCE and others:
        problem = (
            f"contribution {others[0]} holds no preference pairs: leave its Datanet out, or choose standard"
        )
        return replace(verdict, problems=(*verdict.problems, problem))
    if objective != PREFERENCE and len(others) < len(forms):
        warning = "of preference pairs only the chosen answer is learnt: preset preference learns from both"
        return replace(verdict, warnings=(*verdict.warnings, warning))
    return verdict


def judged(terms: DatanetTerms) -> Verdict:
    """Everything about one Datanet that a model's owner should know first."""
    problems, warnings = _of_licence(f"Datanet {terms.datanet_id}", terms.licence)
    if not terms.may_use:
        problems.append(_of_usage(terms))
    if terms.missing_files:
        problems.append(
            f"Datanet {terms.datanet_id}: the files of {terms.missing_files} of {terms.contributions} "
            "contributions are not at this gateway"
        )
    if not terms.records:
        problems.append(f"Datanet {terms.datanet_id}: version {terms.version} holds no records")
    return Verdict(tuple(problems), tuple(warnings))


def model_licence(licences: tuple[str, ...]) -> str:
    """What the model's card says: the one licence of all its data, else `other`."""
    known = {licence.lower() for licence in licences}
    return known.pop() if len(known) == 1 and "" not in known else "other"


def _of_usage(terms: DatanetTerms) -> str:
    if terms.usage == USAGE_PRICED:
        return (
            f"Datanet {terms.datanet_id}: usage costs {terms.usage_price_wei} wei: "
            f"openledger-node datanet buy {terms.datanet_id}"
        )
    return f"Datanet {terms.datanet_id}: its owner grants usage and has not granted it to you"


def _of_licence(what: str, licence: str) -> tuple[list[str], list[str]]:
    name = licence.lower()
    parts = name.split("-")
    if not name:
        return [], [f"{what} states no licence: ask its owner before you sell answers"]
    if "nc" in parts:
        return [f"{what} is under {licence}, which forbids commercial use: its answers cannot be sold"], []
    if "nd" in parts:
        return [f"{what} is under {licence}, which forbids adaptations: a model may be one"], []
    if "sa" in parts or name.startswith(("gpl", "agpl", "lgpl")):
        return [], [f"{what} is under {licence}: publish the model under the same licence"]
    if name.startswith("cc-by") or name in PERMISSIVE:
        return [], []
    return [], [f"{what} is under {licence}, which is not known here: read it"]
