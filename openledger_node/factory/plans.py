"""What a training would be: its request, its work, its terms, and the command that does the same.

Covered: everything that can be known before training starts. Not covered: whether the model gets any good.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from openledger_node.errors import UserError
from openledger_node.factory.estimate import Estimate
from openledger_node.factory.recipes import DEFAULT_PRESET
from openledger_node.factory.terms import DatanetTerms, Verdict
from workers.protocol import FinetuneRequest, TrainEmbeddingRequest, TrainRequest
from workers.protocol.codec import to_json

MAX_DATANETS = 32
MAX_NAME = 80


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for. `datanets` are (id, version), version 0 the newest; `base` is a folder's hash
    or a model id; with `holdout` "" the recipe's `holdout_every` decides."""

    name: str
    base: str
    datanets: tuple[tuple[int, int], ...]
    preset: str
    settings: Mapping[str, Any]
    holdout: str
    account: str


@dataclass(frozen=True, slots=True)
class Plan:
    """`kind` and `request` are the job; `parent` is the base's model id, 0 for one that is not on chain."""

    wish: Wish
    kind: str
    request: FinetuneRequest | TrainEmbeddingRequest | TrainRequest
    parent: int
    terms: tuple[DatanetTerms, ...]
    estimate: Estimate | None
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """The plan as the API shows it."""
        return {
            "kind": self.kind,
            "request": to_json(self.request),
            "parent": self.parent,
            "datanets": [
                {**asdict(each), "usage_price_wei": str(each.usage_price_wei)} for each in self.terms
            ],
            "estimate": asdict(self.estimate) if self.estimate else None,
            "usage_cost_wei": str(sum(each.usage_price_wei for each in self.terms if not each.may_use)),
            "problems": list(self.verdict.problems),
            "warnings": list(self.verdict.warnings),
            "command": command_of(self.wish),
        }


def wish_from(body: Mapping[str, Any]) -> Wish:
    """A wish from a JSON body; raises UserError naming the field."""
    known = {"name", "base", "datanets", "preset", "settings", "holdout", "account"}
    if unknown := sorted(set(body) - known):
        raise UserError(f"unknown field {unknown[0]!r}", f"fields are {', '.join(sorted(known))}")
    name = body.get("name")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= MAX_NAME:
        raise UserError(f"name must be text of 1 to {MAX_NAME} characters")
    settings = body.get("settings", {})
    if not isinstance(settings, Mapping):
        raise UserError("settings must be an object of recipe settings")
    texts = {key: body.get(key, default) for key, default in _TEXTS.items()}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise UserError(f"{key} must be text")
    return Wish(name.strip(), datanets=_datanets(body.get("datanets")), settings=settings, **texts)


_TEXTS = {"base": "", "preset": DEFAULT_PRESET, "holdout": "", "account": ""}


def command_of(wish: Wish) -> str:
    """The command that makes the same plan."""
    parts = ["openledger-node", "factory", "train", "--name", wish.name]
    parts += [part for each in wish.datanets for part in ("--datanet", f"{each[0]}:{each[1]}")]
    parts += ["--base", wish.base] if wish.base else []
    parts += ["--preset", wish.preset]
    for key, value in sorted(wish.settings.items()):
        text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        parts += ["--set", f"{key}={text}"]
    parts += ["--holdout", f"sha256:{wish.holdout.removeprefix('sha256:')}"] if wish.holdout else []
    return shlex.join(parts)


def _datanets(value: Any) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not 1 <= len(value) <= MAX_DATANETS:
        raise UserError(f"datanets must be an array of 1 to {MAX_DATANETS}", 'for instance [{"id": 1}]')
    found = []
    for each in value:
        if not isinstance(each, Mapping) or not {"id"} <= set(each) <= {"id", "version"}:
            raise UserError(
                'a Datanet is {"id": number, "version": number}', "leave version out for the newest"
            )
        numbers = (each["id"], each.get("version", 0))
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise UserError("id and version of a Datanet are numbers")
        found.append(numbers)
    if len(set(found)) != len(found):
        raise UserError("a Datanet version is named twice")
    return tuple(found)
