"""Steps 1 and 2: five people bring data, a curator accepts it, a version is published."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from genesis.keccak import keccak256
from openledger_node.client.economy import DATANETS
from openledger_node.demo.data import COPY, DemoData
from openledger_node.demo.world import CONTRIBUTORS, OWNER, World
from workers.artifacts import canonical_json
from workers.datasets.contribution import ContributionSummary, summarize
from workers.protocol import ContributionSource, DatasetVersion

NAME, SOURCE = "Handwritten digits", "scikit-learn digits"
LICENCE = b"cc-by-4.0"
ADMISSION_OPEN = 0
USAGE_OPEN = 0
QUALITY_FULL = 10_000
POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Contributed:
    """One contribution on chain with the file behind it."""

    contribution_id: int
    summary: ContributionSummary
    file: bytes


async def create_datanet(
    world: World, called: str = NAME, source: str = SOURCE, licence: bytes = LICENCE
) -> int:
    """The owner creates an open Datanet; returns its id."""
    description = canonical_json.encode({"name": called, "source": source})
    name = await world.gateway.put_artifact(description)
    mined = await world.send(
        OWNER,
        DATANETS,
        "createDatanet",
        called,
        f"sha256:{name}",
        keccak256(description),
        licence.ljust(32, b"\0"),
        ADMISSION_OPEN,
        USAGE_OPEN,
    )
    datanet_id = int(mined.event("DatanetCreated").arguments["datanetId"])
    world.result.datanet_id = datanet_id
    world.say(f"Datanet {datanet_id}: {called}, {licence.decode()}, open to everyone")
    return datanet_id


async def contribute_all(world: World, datanet_id: int, data: DemoData) -> list[Contributed]:
    """Everybody commits, then reveals. The copy can only be made of what was revealed: it comes later."""
    first = [number for number in range(len(CONTRIBUTORS)) if number != COPY]
    found = dict(zip(first, await commit(world, datanet_id, data.parts, first), strict=True))
    await reveal(world, first, [found[number] for number in first])
    found[COPY] = (await commit(world, datanet_id, data.parts, [COPY]))[0]
    await reveal(world, [COPY], [found[COPY]])
    return [found[number] for number in range(len(CONTRIBUTORS))]


async def commit(
    world: World, datanet_id: int, parts: Sequence[bytes], numbers: Sequence[int]
) -> list[Contributed]:
    """Those contributors bring their part of `parts` under a root and a bond."""
    _, policy = await world.reader.current_policy()
    chain_id = await world.l2.chain_id()

    async def contribute(number: int) -> Contributed:
        role, file = CONTRIBUTORS[number], parts[number]
        summary = await asyncio.to_thread(
            summarize, file, chain_id=chain_id, datanet_id=datanet_id, contributor=world.address(role)
        )
        mined = await world.send(
            role,
            DATANETS,
            "contribute",
            datanet_id,
            summary.root,
            summary.records,
            summary.size_bytes,
            value_wei=policy.contribution_bond_wei,
        )
        contribution_id = int(mined.event("ContributionCommitted").arguments["contributionId"])
        world.say(f"{role}: {summary.records} records under root 0x{summary.root.hex()[:12]}…")
        return Contributed(contribution_id, summary, file)

    return list(await asyncio.gather(*(contribute(number) for number in numbers)))


async def reveal(world: World, numbers: Sequence[int], contributed: Sequence[Contributed]) -> None:
    """Name the content once the policy's delay is over; until then nothing of it is public."""
    _, policy = await world.reader.current_policy()
    found = [await world.l2.read(DATANETS, "getContribution", each.contribution_id) for each in contributed]
    earliest = max(each["commitBlock"] for each in found) + policy.reveal_delay_blocks
    while await world.l2.block_number() < earliest:
        await asyncio.sleep(POLL_S)

    async def publish_content(number: int, each: Contributed) -> None:
        await world.gateway.put_artifact(each.file)
        uri = f"sha256:{each.summary.artifact}"
        await world.send(CONTRIBUTORS[number], DATANETS, "reveal", each.contribution_id, uri)

    await asyncio.gather(*(publish_content(n, each) for n, each in zip(numbers, contributed, strict=True)))


async def publish(world: World, datanet_id: int, contributed: list[Contributed]) -> DatasetVersion:
    """The curator accepts everything; the owner freezes a version; bonds go back."""
    for each in contributed:
        await world.send(OWNER, DATANETS, "review", each.contribution_id, True, QUALITY_FULL)
    mined = await world.send(OWNER, DATANETS, "publishVersion", datanet_id)
    version = int(mined.event("VersionPublished").arguments["version"])
    await asyncio.gather(
        *(
            world.send(role, DATANETS, "withdrawBond", each.contribution_id)
            for role, each in zip(CONTRIBUTORS, contributed, strict=True)
        )
    )
    world.say(f"version {version}: {sum(each.summary.records for each in contributed)} records")
    return await _version(world, datanet_id, version, contributed)


async def _version(
    world: World, datanet_id: int, version: int, contributed: list[Contributed]
) -> DatasetVersion:
    _, policy = await world.reader.current_policy()
    sources = []
    for each in contributed:
        on_chain = await world.l2.read(DATANETS, "getContribution", each.contribution_id)
        sources.append(
            ContributionSource(
                each.contribution_id,
                on_chain["contributor"],
                on_chain["commitBlock"],
                each.summary.artifact,
            )
        )
    return DatasetVersion(
        await world.l2.chain_id(), datanet_id, version, policy.similarity_ppm, tuple(sources)
    )
