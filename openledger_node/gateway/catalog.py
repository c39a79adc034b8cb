"""Which models can be bought here: the chain's registry, read incrementally and cached for a moment."""

from dataclasses import dataclass

from openledger_node.client.economy import MODELS, EconomyReader
from openledger_node.clock import Clock
from openledger_node.gateway.errors import NotFoundError
from precompiles.views.models import FeatureIndex, Model

FRESH_S = 1.0
NAME_PREFIX = "model-"


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A registered model; `usable_at_s` is its newest feature index's, 0 when it has none."""

    model_id: int
    model: Model
    registered_s: int
    index: FeatureIndex | None

    @property
    def name(self) -> str:
        """The `model` of the OpenAI-style API."""
        return f"{NAME_PREFIX}{self.model_id}"

    @property
    def manifest(self) -> str:
        """The manifest's artefact name."""
        return self.model.manifest_hash.hex()

    @property
    def has_price(self) -> bool:
        return self.model.input_price_wei + self.model.output_price_wei > 0


def model_id_of(name: str) -> int:
    """The registry id behind an API name; raises NotFoundError."""
    digits = name.removeprefix(NAME_PREFIX)
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 18:
        raise NotFoundError(f"no model {name!r}", "GET /v1/models lists them")
    return int(digits)


class Catalog:
    def __init__(self, reader: EconomyReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._registered_s: dict[int, int] = {}
        self._next_block = 0
        self._entries: dict[int, tuple[float, CatalogEntry]] = {}

    async def entries(self) -> list[CatalogEntry]:
        """All registered models by id."""
        await self._scan()
        return [await self._entry(model_id) for model_id in sorted(self._registered_s)]

    async def entry(self, name: str) -> CatalogEntry:
        """One model by its API name; raises NotFoundError."""
        model_id = model_id_of(name)
        if model_id not in self._registered_s:
            await self._scan()
        if model_id not in self._registered_s:
            raise NotFoundError(f"no model {name!r}", "GET /v1/models lists them")
        return await self._entry(model_id)

    async def _scan(self) -> None:
        head = await self._reader.ethereum.block_number()
        if head < self._next_block:
            return
        events = await self._reader.ethereum.events(
            MODELS, "ModelRegistered", first_block=self._next_block, last_block=head
        )
        for event in events:
            block = await self._reader.ethereum.block(event.block_number)
            self._registered_s[event.arguments["modelId"]] = int(block["timestamp"], 16)
        self._next_block = head + 1

    async def _entry(self, model_id: int) -> CatalogEntry:
        now_s = self._clock.now_s()
        read_s, entry = self._entries.get(model_id, (0.0, None))
        if entry is not None and now_s - read_s < FRESH_S:
            return entry
        model = await self._reader.model(model_id)
        index = await self._reader.feature_index(model.feature_index) if model.feature_index else None
        entry = CatalogEntry(model_id, model, self._registered_s[model_id], index)
        self._entries[model_id] = (now_s, entry)
        return entry
