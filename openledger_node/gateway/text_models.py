"""Which registered models are language models, what they are called, and what the server calls them.

A text model's artefact is a model folder (`workers.artifacts.folders`). The server knows an adapter by its
folder's hash and the base by its own name; customers say `model-7`, `7`, or `datanet/name@version`, where the
Datanet's name is in lower case with hyphens and the version is the Datanet's that the model was made from.

Covered: the folder is here and is one, the name's parts from chain and manifest.
Not covered: whether the server's base is the adapter's parent; the server refuses what does not fit.
"""

import asyncio
import re
from dataclasses import dataclass

import orjson

from openledger_node.client.economy import DATANETS, MODELS, EconomyReader
from openledger_node.errors import UserError
from openledger_node.gateway.backend import TextBackend
from openledger_node.gateway.catalog import Catalog, CatalogEntry
from openledger_node.gateway.errors import NotFoundError
from workers.artifacts.folders import FORMAT as FOLDER_FORMAT
from workers.artifacts.store import ArtifactStore
from workers.errors import ArtifactError

LARGEST_DOCUMENT_BYTES = 1 << 20
_NO_LETTERS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class TextModel:
    """A language model on chain. `alias` is "" for one that was made from no Datanet."""

    entry: CatalogEntry
    folder: str
    alias: str

    @property
    def is_base(self) -> bool:
        return self.entry.model.parent == 0


class TextModels:
    """Remembers what each registered model is; artefacts do not change."""

    def __init__(self, catalog: Catalog, reader: EconomyReader, artifacts: ArtifactStore) -> None:
        self._catalog = catalog
        self._reader = reader
        self._artifacts = artifacts
        self._aliases: dict[int, str | None] = {}
        """By model id; None for what is no language model."""

    async def all(self) -> list[TextModel]:
        """Every registered language model whose folder is here."""
        found = [await self.of_entry(entry) for entry in await self._catalog.entries()]
        return [model for model in found if model is not None]

    async def find(self, name: str) -> TextModel:
        """The model behind a customer's name; raises NotFoundError, UserError."""
        if "/" not in name:
            model = await self.of_entry(await self._catalog.entry(name))
            if model is None:
                raise UserError(f"{name!r} is not a language model", "POST /v1/classify is for classifiers")
            return model
        found = [model for model in await self.all() if model.alias == name]
        if not found:
            raise NotFoundError(f"no model {name!r}", "GET /v1/models lists them")
        owner = found[0].entry.model.owner  # who had the name first: others may register the same folder
        return [model for model in found if model.entry.model.owner == owner][-1]

    async def upstream(self, model: TextModel, backend: TextBackend) -> str:
        """What the server calls it; raises BackendLostError."""
        if not model.is_base:
            return f"sha256:{model.folder}"
        listed = await backend.models()
        bases = [str(each["id"]) for each in listed if each.get("parent") is None]
        if not bases:
            raise UserError("the server has no base model", "see --gateway.text-url")
        return bases[0]

    async def of_entry(self, entry: CatalogEntry) -> TextModel | None:
        """The language model an entry is, None for a classifier or a folder that is not here."""
        if entry.model_id not in self._aliases:
            if not await asyncio.to_thread(self._is_folder, entry.model.artifact_hash.hex()):
                if await asyncio.to_thread(self._artifacts.has, entry.model.artifact_hash.hex()):
                    self._aliases[entry.model_id] = None
                return None
            self._aliases[entry.model_id] = await self._make_alias(entry)
        alias = self._aliases[entry.model_id]
        return None if alias is None else TextModel(entry, entry.model.artifact_hash.hex(), alias)

    def _is_folder(self, name: str) -> bool:
        path = self._artifacts.path(name)
        if not path.is_file() or path.stat().st_size > LARGEST_DOCUMENT_BYTES:
            return False
        try:
            document = orjson.loads(self._artifacts.get(name))
        except (orjson.JSONDecodeError, ArtifactError):
            return False
        return isinstance(document, dict) and document.get("format") == FOLDER_FORMAT

    async def _make_alias(self, entry: CatalogEntry) -> str:
        if entry.model.sources == 0:
            return ""
        datanet_id, version = await self._reader.ethereum.read(MODELS, "getSource", entry.model_id, 0)
        created = await self._reader.ethereum.events(DATANETS, "DatanetCreated", datanet_id)
        name = await asyncio.to_thread(self._manifest_name, entry)
        called = slug(str(created[0].arguments["name"])) if created else ""
        return f"{called or f'datanet-{datanet_id}'}/{slug(name)}@{version}"

    def _manifest_name(self, entry: CatalogEntry) -> str:
        try:
            document = orjson.loads(self._artifacts.get(entry.manifest))
        except (orjson.JSONDecodeError, ArtifactError):
            return entry.name
        name = document.get("name") if isinstance(document, dict) else None
        return name if isinstance(name, str) and slug(name) else entry.name


def slug(name: str) -> str:
    """A name in lower case, everything but letters and digits as single hyphens."""
    return _NO_LETTERS.sub("-", name.lower()).strip("-")
