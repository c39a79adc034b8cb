"""Nothing is sold under an index that is not what the chain says."""

from dataclasses import replace

import pytest

from genesis.types import Address
from openledger_node.client.economy import EconomyReader
from openledger_node.client.ethereum import Ethereum
from openledger_node.errors import UserError
from openledger_node.gateway.servable import Servable
from precompiles.views.models import FeatureIndex
from tests.jobs.economy import Economy
from tests.validator.indexing import published
from workers.artifacts import canonical_json
from workers.attribution.index import sums_of
from workers.errors import InvalidInputError


class AlteredReader(EconomyReader):
    """The chain's index with fields changed, as if its owner had committed something else."""

    def __init__(self, economy: Economy, **changes: object) -> None:
        super().__init__(Ethereum(economy.node))
        self._changes = changes

    async def feature_index(self, index_id: int, block: int | str = "latest") -> FeatureIndex:
        return replace(await super().feature_index(index_id, block), **self._changes)  # type: ignore[arg-type] # by name


async def test_an_honest_index_is_servable(economy: Economy) -> None:
    servable = Servable(economy.reader, economy.store)
    await servable.check(1, 1)
    economy.store.path(economy.trained.index.index).unlink()
    await servable.check(1, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"sums_root": bytes(32)},
        {"rows_root": bytes(32)},
        {"rows": 1},
        {"contributors": 4},
        {"dimensions": 64},
    ],
)
async def test_another_commitment_is_not(economy: Economy, changes: dict[str, object]) -> None:
    with pytest.raises(UserError, match="is not the one its document describes"):
        await Servable(AlteredReader(economy, **changes), economy.store).check(1, 1)


async def test_a_wrong_index_is_looked_at_once(economy: Economy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever registered it pays nothing for a refused call, so it must cost next to nothing."""
    servable = Servable(AlteredReader(economy, rows=1), economy.store)
    with pytest.raises(UserError, match="document describes"):
        await servable.check(1, 1)
    monkeypatch.setattr("openledger_node.gateway.servable.verify_index", None)  # not called again
    with pytest.raises(UserError, match="document describes"):
        await servable.check(1, 1)


@pytest.mark.parametrize("owner", [-1, 3, 2**40])
def test_rows_of_nobody_are_refused(economy: Economy, owner: int) -> None:
    """Counted by owner, they would take as much memory as the largest number says."""
    rows, _ = published(economy)
    rows.owners[0] = owner
    with pytest.raises(InvalidInputError, match="none of the"):
        sums_of(rows, [Address(bytes(20))] * 3)


async def test_a_missing_document_is_not(economy: Economy) -> None:
    economy.store.path(economy.trained.index.index).unlink()
    with pytest.raises(UserError, match="cannot be used"):
        await Servable(economy.reader, economy.store).check(1, 1)


async def test_sums_that_are_not_those_of_the_rows_are_not(economy: Economy) -> None:
    """The document is consistent with the chain in every root, but its rows are others."""
    name = economy.trained.index.index
    document = canonical_json.decode(economy.store.get(name))
    economy.store.path(document["rows"]).unlink()
    with pytest.raises(UserError, match="cannot be used"):
        await Servable(economy.reader, economy.store).check(1, 1)


async def test_an_index_that_was_never_committed_is_not(economy: Economy) -> None:
    with pytest.raises(UserError, match="never committed"):
        await Servable(_Uncommitted(Ethereum(economy.node)), economy.store).check(1, 1)


class _Uncommitted(EconomyReader):
    async def uri_of_index(self, index_id: int, model_id: int) -> str:
        raise LookupError(f"feature index {index_id} was never committed")
