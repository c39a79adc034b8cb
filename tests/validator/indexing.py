"""Feature indexes for validator tests: the session's honest one, changed, published and committed."""

from dataclasses import replace

from openledger_node.client.account import dev_account
from openledger_node.client.economy import MODELS
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.sender import Sender
from tests.jobs.economy import BUILDER, Economy
from workers.artifacts.store import ArtifactId
from workers.attribution.index import Rows, Sums, publish_index, read_index, read_rows


def published(economy: Economy) -> tuple[Rows, Sums]:
    """The honest index's rows and sums, to be changed."""
    index = read_index(economy.store, economy.trained.index.index)
    rows = read_rows(economy.store, index.rows)
    return replace(
        rows,
        mantissas=rows.mantissas.copy(),
        exponents=rows.exponents.copy(),
        canonical=rows.canonical.copy(),
        owners=rows.owners.copy(),
    ), replace(index.sums, vectors=index.sums.vectors.copy())


def with_sum(sums: Sums, contributor: int, coordinate: int, change: int) -> Sums:
    """Sums with one coordinate moved; the norm follows."""
    vectors = sums.vectors.copy()
    vectors[contributor, coordinate] += change
    norms = list(sums.norms_squared)
    norms[contributor] = sum(int(value) ** 2 for value in vectors[contributor])
    return replace(sums, vectors=vectors, norms_squared=tuple(norms))


def with_norm(sums: Sums, contributor: int, change: int) -> Sums:
    """Sums with one norm moved."""
    norms = list(sums.norms_squared)
    norms[contributor] += change
    return replace(sums, norms_squared=tuple(norms))


async def commit(
    economy: Economy, rows: Rows, sums: Sums, preconditioner: ArtifactId | None = None, model_id: int = 1
) -> int:
    """Publish and commit as the builder; returns the index's id."""
    honest = read_index(economy.store, economy.trained.index.index)
    named = {
        "manifest": honest.manifest,
        "preconditioner": preconditioner or honest.preconditioner,
        "numeric_profile": honest.numeric_profile,
    }
    name = publish_index(economy.store, named, rows, sums)
    mined = await Sender(Ethereum(economy.node), dev_account(BUILDER)).transact(
        MODELS,
        "commitFeatureIndex",
        model_id,
        rows.root(),
        sums.root(),
        bytes.fromhex(named["preconditioner"]),
        bytes.fromhex(honest.numeric_profile),
        len(rows.mantissas),
        len(sums.contributors),
        rows.mantissas.shape[1],
        f"sha256:{name}",
    )
    return int(mined.event("FeatureIndexCommitted").arguments["indexId"])


def least_exponent_broken(rows: Rows, place: int) -> None:
    """Make one row's exponent larger than need be."""
    rows.mantissas[place] //= 4
    rows.exponents[place] = max(1, int(rows.exponents[place]))
