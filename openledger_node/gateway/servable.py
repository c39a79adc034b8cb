"""Whether a model's published index is what the chain says: checked before anything is sold under it.

A provider answers for its posts with its stake, and a post is computed from the published index. A model's
owner could publish sums that differ from the committed ones, or commit vectors beyond the protocol's widths,
and then prove an honest provider wrong; so everything is recomputed from the rows once per index.

Covered: rows, sums, widths and counts against the chain. Not covered: whether the rows are those of the model
(a jury's question), whether the model is any good.
"""

import asyncio
from collections import defaultdict

from genesis.types import Hash32
from openledger_node.client.economy import EconomyReader
from openledger_node.errors import UserError
from workers.artifacts.store import ArtifactStore, parse_id
from workers.attribution.index import FeatureIndex, verify_index
from workers.errors import ArtifactError, InvalidInputError


class Servable:
    """Remembers which indexes were found right, and which wrong: a document is named by its content, so only
    one that is missing may come. Nobody waits while another index is looked at."""

    def __init__(self, reader: EconomyReader, artifacts: ArtifactStore) -> None:
        self._reader = reader
        self._artifacts = artifacts
        self._right: set[int] = set()
        self._wrong: dict[int, str] = {}
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def check(self, index_id: int, model_id: int) -> None:
        """Raises UserError when nothing can be sold under this index."""
        if index_id in self._right:
            return
        async with self._turns[index_id]:
            if index_id in self._right:
                return
            if index_id in self._wrong:
                raise UserError(self._wrong[index_id])
            await self._check(index_id, model_id)
            self._right.add(index_id)

    async def _check(self, index_id: int, model_id: int) -> None:
        committed = await self._reader.feature_index(index_id)
        model = await self._reader.model(model_id)
        try:
            name = parse_id(await self._reader.uri_of_index(index_id, model_id))
            index = await asyncio.to_thread(verify_index, self._artifacts, name)
        except (LookupError, ArtifactError) as error:
            raise UserError(f"feature index {index_id} cannot be used: {error}") from error
        except InvalidInputError as error:
            raise self._refused(index_id, f"feature index {index_id} cannot be used: {error}") from error
        expected = (
            committed.rows_root,
            committed.sums_root,
            committed.rows,
            committed.contributors,
            committed.dimensions,
            model.manifest_hash,
        )
        if _stated(index) != expected:
            raise self._refused(index_id, f"feature index {index_id} is not the one its document describes")

    def _refused(self, index_id: int, reason: str) -> UserError:
        self._wrong[index_id] = reason
        return UserError(reason)


def _stated(index: FeatureIndex) -> tuple[Hash32, Hash32, int, int, int, bytes]:
    return (
        index.rows_root,
        index.sums_root,
        index.record_count,
        len(index.sums.contributors),
        index.dimensions,
        bytes.fromhex(index.manifest),
    )
