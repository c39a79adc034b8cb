"""One row with its proof, by range requests from a host that also lies."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from genesis.commitments import merkle_root_from_proof
from openledger_node.gateway.artifact_routes import ArtifactRoutes
from tests.workers.conftest import Chain
from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactStore
from workers.attribution.index import read_index, read_rows
from workers.attribution.pieces import RowPieces
from workers.errors import ArtifactError, InvalidInputError


@pytest.fixture
def host(chain: Chain) -> Iterator[str]:
    """The gateway's artefact route over the chain's files; its URL."""
    loop = asyncio.new_event_loop()
    application = web.Application()
    ArtifactRoutes(chain.store, 1 << 20).add_to(application.router)
    runner = web.AppRunner(application)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/artifacts"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(runner.cleanup())
    loop.close()


def test_a_row_comes_with_its_proof_and_nothing_else(chain: Chain, host: str, tmp_path: Path) -> None:
    follower = ArtifactStore(tmp_path, host)
    pieces = RowPieces(follower, chain.index.index)
    rows = read_rows(chain.store, read_index(chain.store, chain.index.index).rows)
    for place in (0, 7, len(rows.mantissas) - 1):
        found = pieces.row(place)
        assert found.mantissas == rows.mantissas[place].tobytes()
        assert (found.owner, found.canonical) == (rows.owners[place], rows.canonical[place])
        assert len(found.proof) == (len(rows.mantissas) - 1).bit_length()
    assert pieces.root == chain.index.rows_root
    assert [path.name for path in tmp_path.iterdir()] == [chain.index.index]
    assert merkle_root_from_proof(pieces.root, 0, ()) == pieces.root


def test_another_row_than_the_committed_one_is_refused(chain: Chain, tmp_path: Path) -> None:
    document = canonical_json.decode(chain.store.get(chain.index.index))
    document["rows_root"] = "0x" + "11" * 32
    store = ArtifactStore(tmp_path / "host")
    for name in ("rows", "row_tree"):
        store.put(chain.store.get(document[name]))
    pieces = RowPieces(store, store.put(canonical_json.encode(document)))
    with pytest.raises(InvalidInputError, match="does not belong"):
        pieces.row(3)


def test_places_that_are_not_there_are_refused(chain: Chain) -> None:
    with pytest.raises(InvalidInputError, match="no row"):
        RowPieces(chain.store, chain.index.index).row(10**6)
    with pytest.raises(ArtifactError, match="has no"):
        chain.store.get_range(chain.index.index, 0, 10**9)
