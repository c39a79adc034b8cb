"""What publishing must find out: the base's model id, a run's versions, when an index counts."""

import asyncio
from collections.abc import Mapping
from typing import Any

from openledger_node.client.economy import MODELS, EconomyReader
from openledger_node.client.ethereum import Ethereum

POLL_S = 0.2


async def parent_of(reader: EconomyReader, base: str) -> int:
    """The id of the first registered model whose artefact is `base`; 0 when there is none."""
    if not base:
        return 0
    for event in await reader.ethereum.events(MODELS, "ModelRegistered"):
        if event.arguments["artifactHash"].hex() == base:
            return int(event.arguments["modelId"])
    return 0


def sources_of(request: Mapping[str, Any]) -> list[tuple[int, int]]:
    """(Datanet, version) of everything a run was trained on."""
    versions = request["datasets"] if "datasets" in request else [request["dataset"]]
    return [(each["datanet_id"], each["version"]) for each in versions]


async def wait_until_usable(ethereum: Ethereum, usable_at_s: int) -> None:
    """Return when the index's challenge window is over."""
    while await ethereum.timestamp_s() <= usable_at_s:
        await asyncio.sleep(POLL_S)
