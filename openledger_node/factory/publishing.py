"""What publishing and measuring must find out: the base's model id, a run's versions, when an index counts,
which evaluation a model has."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from openledger_node.client.economy import MODELS, EconomyReader
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.gateway import GatewayClient
from workers.artifacts.store import ArtifactId

POLL_S = 0.2
ENCODER_FORMAT = "openledger-embedding-manifest/"


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


async def evaluation_kind(gateway: GatewayClient, manifest: ArtifactId) -> str:
    """The job that compares the manifest's model with its base."""
    document = json.loads(await gateway.get_artifact(manifest))
    is_encoder = isinstance(document, dict) and str(document.get("format")).startswith(ENCODER_FORMAT)
    return "evaluate_embedding" if is_encoder else "evaluate"


async def wait_until_usable(ethereum: Ethereum, usable_at_s: int) -> None:
    """Return when the index's challenge window is over."""
    while await ethereum.timestamp_s() <= usable_at_s:
        await asyncio.sleep(POLL_S)
