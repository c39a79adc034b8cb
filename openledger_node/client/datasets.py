"""Which files a published version of a Datanet is made of, from the chain's own events.

Covered: the order of acceptance, files as revealed. Not covered: that a file is what was committed; whoever
reads it checks its root.
"""

from openledger_node.client.economy import DATANETS, MODELS, EconomyReader
from workers.artifacts.store import ArtifactId, parse_id
from workers.errors import ArtifactError
from workers.protocol import ContributionSource, DatasetVersion

NO_FILE = ArtifactId("0" * 64)
"""Stands for a file whose address names none: nobody serves it."""


async def dataset_version(
    reader: EconomyReader, datanet_id: int, version: int, nameless: bool = False
) -> DatasetVersion:
    """A version as training takes it; with `nameless`, addresses that name no file become `NO_FILE`.

    Raises RevertedError when it was never published, ArtifactError for such an address otherwise.
    """
    ethereum = reader.ethereum
    frozen = await ethereum.read(DATANETS, "getVersion", datanet_id, version)
    reviews = await ethereum.events(DATANETS, "ContributionReviewed", datanet_id)
    accepted = sorted(
        (event.arguments for event in reviews if event.arguments["accepted"]),
        key=lambda each: each["position"],
    )
    revealed = {
        event.arguments["contributionId"]: str(event.arguments["uri"])
        for event in await ethereum.events(DATANETS, "ContributionRevealed", datanet_id)
    }
    sources = []
    for review in accepted[: frozen["contributions"]]:
        identity = int(review["contributionId"])
        found = await ethereum.read(DATANETS, "getContribution", identity)
        sources.append(
            ContributionSource(
                identity, found["contributor"], found["commitBlock"], _file(revealed[identity], nameless)
            )
        )
    _, policy = await reader.current_policy()
    return DatasetVersion(
        await ethereum.chain_id(), datanet_id, version, policy.similarity_ppm, tuple(sources)
    )


def _file(uri: str, nameless: bool) -> ArtifactId:
    try:
        return parse_id(uri)
    except ArtifactError:
        if not nameless:
            raise
        return NO_FILE


async def datasets_of(reader: EconomyReader, model_id: int) -> tuple[DatasetVersion, ...]:
    """The versions that a model was made from, as the chain has them."""
    found = []
    for place in range((await reader.model(model_id)).sources):
        datanet_id, number = await reader.ethereum.read(MODELS, "getSource", model_id, place)
        found.append(await dataset_version(reader, datanet_id, number))
    return tuple(found)
