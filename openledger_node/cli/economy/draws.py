"""The draws of derived records on the command line: made where they are missing before an index is built."""

from collections.abc import Sequence
from typing import Any

from openledger_node.cli.economy.session import Session
from openledger_node.client.economy import DATANETS
from workers.protocol import DatasetVersion, ParentDraw


async def draw_parents(opened: Session, contribution_id: int, *, wait: bool) -> dict[str, Any]:
    """Send `drawParents`, with `wait` once its L1 block is there."""
    from openledger_node.client.draws import is_due

    async def due() -> bool:
        return await is_due(opened.reader, contribution_id)

    if wait:
        await opened.until(f"the L1 block that draws for contribution {contribution_id}", due)
    shown = await opened.write(DATANETS, "drawParents", contribution_id)
    return {**await opened.read(DATANETS, "getAcceptance", contribution_id), **shown}


async def draws_of(opened: Session, datasets: Sequence[DatasetVersion]) -> tuple[ParentDraw, ...]:
    """The draws of all contributions; those that are missing are made, which may wait for the L1."""
    from openledger_node.client.draws import parent_draws, undrawn

    for contribution_id in await undrawn(opened.reader, datasets, opened.gateway.get_artifact):
        await draw_parents(opened, contribution_id, wait=True)
    return await parent_draws(opened.reader, datasets)
