"""How a plan is made: the chain asked for terms and versions, the artefacts for the data and the base."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from genesis.types import Address
from openledger_node.client.datasets import dataset_version
from openledger_node.client.economy import DATANETS, EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.errors import UserError
from openledger_node.factory.estimate import Estimate, estimate, last_speed
from openledger_node.factory.plans import Plan, Wish
from openledger_node.factory.publishing import parent_of
from openledger_node.factory.recipes import (
    EMBEDDING_PRESETS,
    classifier_recipe,
    embedding_recipe,
    fine_tune_recipe,
)
from openledger_node.factory.terms import DatanetTerms, Verdict, fitting, judged, model_licence
from openledger_node.jobs.machine import Job
from workers.artifacts.folders import read_folder
from workers.artifacts.store import ArtifactId, ArtifactStore, parse_id
from workers.datasets.kinds import first_form, holds_vectors
from workers.errors import ArtifactError, InvalidInputError
from workers.protocol import (
    NO_ARTIFACT,
    DatasetVersion,
    EmbeddingRecipe,
    FineTuneRecipe,
    FinetuneRequest,
    TrainEmbeddingRequest,
    TrainRequest,
)
from workers.training.settings import check_embedding_recipe, check_recipe

DEFAULT_HOLDOUT_EVERY = 10
BASE_CONFIG = "config.json"
LANGUAGE_MODEL_ENDINGS = ("ForCausalLM", "LMHeadModel")


class Planner:
    """Makes plans; `recent` are finished jobs, newest first, for the speed of this machine."""

    def __init__(self, reader: EconomyReader, artifacts: ArtifactStore) -> None:
        self._reader = reader
        self._artifacts = artifacts

    async def plan(self, wish: Wish, recent: Sequence[Job]) -> Plan:
        """Raises UserError for what cannot even be planned; what merely stands in the way is in the plan."""
        versions, terms = [], []
        for datanet_id, number in wish.datanets:
            version = await self._version(datanet_id, number)
            versions.append(version)
            terms.append(await self._terms(version, wish.account))
        named = tuple((each.datanet_id, each.version) for each in versions)
        if len(set(named)) != len(named):
            raise UserError("a Datanet version is named twice", "name it once")
        wish = replace(wish, datanets=named)  # the newest version of today
        verdicts = [judged(each) for each in terms]
        verdict = Verdict(
            tuple(problem for each in verdicts for problem in each.problems),
            tuple(warning for each in verdicts for warning in each.warnings),
        )
        holdout = ArtifactId(parse_id(wish.holdout)) if wish.holdout else NO_ARTIFACT
        if await asyncio.to_thread(self._holds_vectors, versions):
            return self._classifier(wish, versions, terms, holdout, verdict)
        licence = model_licence(tuple(each.licence for each in terms))
        parent, base = await self._base(wish.base)
        recipe = await asyncio.to_thread(self._recipe, wish, base)
        asked = wish.name, base, tuple(versions)
        work = await asyncio.to_thread(self._estimate, versions, terms, recipe, last_speed(recent, base))
        if isinstance(recipe, EmbeddingRecipe):
            pairs = TrainEmbeddingRequest(*asked, recipe, holdout, licence)
            return Plan(wish, "train_embedding", pairs, parent, tuple(terms), work, verdict)
        request = FinetuneRequest(*asked, recipe, holdout, licence)
        forms = await asyncio.to_thread(self._forms, versions)
        return Plan(
            wish, "finetune", request, parent, tuple(terms), work, fitting(verdict, recipe.objective, forms)
        )

    def _classifier(
        self,
        wish: Wish,
        versions: Sequence[DatasetVersion],
        terms: Sequence[DatanetTerms],
        holdout: ArtifactId,
        verdict: Verdict,
    ) -> Plan:
        if len(versions) != 1:
            raise UserError("a classifier is trained on one Datanet version", "name one")
        recipe = classifier_recipe(wish.preset, wish.settings)
        request = TrainRequest(versions[0], recipe, holdout)
        return Plan(wish, "train", request, 0, tuple(terms), None, verdict)

    async def _version(self, datanet_id: int, number: int) -> DatasetVersion:
        try:
            newest = await self._reader.ethereum.read(DATANETS, "getDatanet", datanet_id)
            if not (number or newest["versions"]):
                raise UserError(f"Datanet {datanet_id} has no published version", "its owner publishes one")
            return await dataset_version(self._reader, datanet_id, number or newest["versions"])
        except RevertedError as error:
            raise UserError(f"Datanet {datanet_id}, version {number}: {error}", "see datanet list") from error

    async def _terms(self, version: DatasetVersion, account: str) -> DatanetTerms:
        ethereum, number = self._reader.ethereum, version.datanet_id
        found = await ethereum.read(DATANETS, "getDatanet", number)
        frozen = await ethereum.read(DATANETS, "getVersion", number, version.version)
        created = await ethereum.events(DATANETS, "DatanetCreated", number)
        return DatanetTerms(
            datanet_id=number,
            version=version.version,
            name=str(created[0].arguments["name"]),
            licence=found["licence"].rstrip(b"\0").decode(errors="replace"),
            usage=found["usage"],
            may_use=await self._may_use(number, account, found["usage"]),
            usage_price_wei=int(await ethereum.read(DATANETS, "usagePrice", number)),
            contributions=frozen["contributions"],
            records=frozen["records"],
            missing_files=sum(not self._artifacts.has(each.artifact) for each in version.contributions),
        )

    async def _may_use(self, datanet_id: int, account: str, usage: int) -> bool:
        if not account:
            return usage == 0
        try:
            address = Address(bytes.fromhex(account.removeprefix("0x")))
        except ValueError as error:
            raise UserError(f"account {account!r} is not an address") from error
        return bool(await self._reader.ethereum.read(DATANETS, "mayUse", datanet_id, address))

    async def _base(self, name: str) -> tuple[int, ArtifactId]:
        """Model id (0 when it is not on chain) and folder of a base."""
        digits = name.removeprefix("model-")
        if digits.isascii() and digits.isdecimal() and len(digits) < 20:
            try:
                model = await self._reader.model(int(digits))
            except RevertedError as error:
                raise UserError(f"there is no model {digits}", "see model list") from error
            return int(digits), ArtifactId(model.artifact_hash.hex())
        if not name:
            raise UserError(
                "text needs a base model", "openledger-node factory add-base FOLDER prints its hash"
            )
        base = parse_id(name)
        return await parent_of(self._reader, base), base

    def _recipe(self, wish: Wish, base: ArtifactId) -> FineTuneRecipe | EmbeddingRecipe:
        """The recipe, fitted to the base's context where nobody said otherwise."""
        try:
            files = read_folder(self._artifacts, base)
            config = orjson.loads(self._artifacts.get(files[BASE_CONFIG]))
            context = int(config["max_position_embeddings"])
        except (ArtifactError, InvalidInputError, KeyError, ValueError, TypeError) as error:
            raise UserError(f"base {base} is not a text model of this gateway: {error}") from error
        made = embedding_recipe if wish.preset in EMBEDDING_PRESETS else fine_tune_recipe
        if made is fine_tune_recipe and not answers(config.get("architectures")):
            raise UserError(f"base {base} is an encoder, which answers nothing", "choose preset embedding")
        fitted = {"max_tokens": min(made(wish.preset, {}).max_tokens, context)}
        if not wish.holdout:
            fitted["holdout_every"] = DEFAULT_HOLDOUT_EVERY
        recipe = made(wish.preset, {**fitted, **wish.settings})
        try:
            checked_recipe(recipe, context)
        except InvalidInputError as error:
            raise UserError(
                f"recipe: {error}", "openledger-node factory recipes shows what presets say"
            ) from error
        return recipe

    def _holds_vectors(self, versions: Sequence[DatasetVersion]) -> bool:
        first = next((each for version in versions for each in version.contributions), None)
        if first is None or not self._artifacts.has(first.artifact):
            return False
        return holds_vectors(self._artifacts.get(first.artifact))

    def _forms(self, versions: Sequence[DatasetVersion]) -> dict[int, str]:
        """The form of each contribution's first record, by its number, where its file is here."""
        return {
            each.contribution_id: first_form(self._artifacts.get(each.artifact))
            for version in versions
            for each in version.contributions
            if self._artifacts.has(each.artifact)
        }

    def _estimate(
        self,
        versions: Sequence[DatasetVersion],
        terms: Sequence[DatanetTerms],
        recipe: FineTuneRecipe | EmbeddingRecipe,
        tokens_per_s: float | None,
    ) -> Estimate:
        paths = [
            self._artifacts.path(each.artifact) for version in versions for each in version.contributions
        ]
        size_bytes = sum(_size(path) for path in paths)
        return estimate(sum(each.records for each in terms), size_bytes, recipe, tokens_per_s)


def checked_recipe(recipe: FineTuneRecipe | EmbeddingRecipe, context: int) -> None:
    """Raises InvalidInputError for settings that nobody can mean, with a base of that context."""
    if isinstance(recipe, EmbeddingRecipe):
        check_embedding_recipe(recipe, context)
    else:
        check_recipe(recipe, context)


def answers(architectures: Any) -> bool:
    """Whether a base by its configuration's `architectures` can be a language model."""
    names = [str(name) for name in architectures] if isinstance(architectures, list) else []
    return not names or any(name.endswith(LANGUAGE_MODEL_ENDINGS) for name in names)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
