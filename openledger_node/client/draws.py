"""Which contributions' derived records have a draw, and which still wait for one.

Covered: reading what the chain kept; contributions whose records name parents and that nobody drew for yet.
Not covered: sending `drawParents` (who has a key does that).
"""

from collections.abc import Awaitable, Callable, Sequence

from genesis.types import ZERO_HASH, Hash32
from openledger_node.client.economy import DATANETS, EconomyReader
from openledger_node.client.errors import RevertedError
from workers.artifacts.store import ArtifactId
from workers.datasets.kinds import names_parents
from workers.protocol import DatasetVersion, ParentDraw

Fetch = Callable[[ArtifactId], Awaitable[bytes]]


async def parent_draws(reader: EconomyReader, datasets: Sequence[DatasetVersion]) -> tuple[ParentDraw, ...]:
    """The draws that were made for contributions of the versions."""
    found = [
        (source.contribution_id, await _randomness(reader, source.contribution_id))
        for version in datasets
        for source in version.contributions
    ]
    return tuple(ParentDraw(number, drawn) for number, drawn in found if drawn != ZERO_HASH)


async def undrawn(reader: EconomyReader, datasets: Sequence[DatasetVersion], fetch: Fetch) -> list[int]:
    """Contributions with derived records and no draw; `fetch` gives a contribution's file."""
    drawn = {draw.contribution_id for draw in await parent_draws(reader, datasets)}
    return [
        source.contribution_id
        for version in datasets
        for source in version.contributions
        if source.contribution_id not in drawn and names_parents(await fetch(source.artifact))
    ]


async def is_due(reader: EconomyReader, contribution_id: int) -> bool:
    """Whether the L1 block that draws for a contribution is there. Raises RevertedError."""
    return await drawable(reader, contribution_id) is not None


async def drawable(reader: EconomyReader, contribution_id: int) -> Hash32 | None:
    """What `drawParents` would keep now: None before its block, zero if that is forgotten. Raises
    RevertedError."""
    try:
        return Hash32(await reader.ethereum.read(DATANETS, "drawParents", contribution_id))
    except RevertedError as error:
        if error.name == "NotDueYet":
            return None
        raise


async def _randomness(reader: EconomyReader, contribution_id: int) -> Hash32:
    return Hash32((await reader.ethereum.read(DATANETS, "getAcceptance", contribution_id))["randomness"])
