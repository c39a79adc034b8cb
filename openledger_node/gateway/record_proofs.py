"""Is this record in that version of a Datanet? The two proofs that `IDatanetRegistry.verifyRecord` takes.

Covered: versions whose contributions are revealed and whose file is on this node; every root is compared with
the chain's. Not covered: the record's content, which the contribution's file holds.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from genesis.commitments import contribution_leaf, merkle_layers, merkle_proof
from genesis.types import Address, Hash32
from openledger_node.client.economy import DATANETS, EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.gateway.values import hex_data
from workers.artifacts.store import ArtifactStore, parse_id
from workers.datasets.contribution import record_layers
from workers.errors import InvalidInputError

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Accepted:
    """A contribution in the order of its Datanet's tree."""

    contribution_id: int
    contributor: Address
    root: Hash32
    records: int
    first_record: int
    commit_block: int

    def leaf(self) -> Hash32:
        return contribution_leaf(
            contribution_id=self.contribution_id,
            contributor=self.contributor,
            root=self.root,
            records=self.records,
            first_record=self.first_record,
            commit_block=self.commit_block,
        )


class RecordProofs:
    def __init__(self, *, reader: EconomyReader, artifacts: ArtifactStore, chain_id: int) -> None:
        self._reader = reader
        self._artifacts = artifacts
        self._chain_id = chain_id

    async def prove(self, datanet_id: int, version: int, record: int) -> Json | None:
        """The arguments of `verifyRecord` for a version's record, counted from 0; None where there is none.

        Raises InvalidInputError, ArtifactError for a file that is not what was committed, or not here.
        """
        try:
            frozen = await self._reader.ethereum.read(DATANETS, "getVersion", datanet_id, version)
        except RevertedError:
            return None
        if record >= frozen["records"]:
            return None
        accepted, layers = await self._tree(datanet_id, version, frozen)
        position = next(i for i, each in enumerate(accepted) if record < each.first_record + each.records)
        found = accepted[position]
        index = record - found.first_record
        leaf, proof = await self._in_contribution(datanet_id, found, index)
        return {
            "datanetId": hex(datanet_id),
            "version": hex(version),
            "root": hex_data(frozen["root"]),
            "position": hex(position),
            "contributionId": hex(found.contribution_id),
            "contributor": hex_data(found.contributor),
            "firstRecord": hex(found.first_record),
            "contributionProof": [hex_data(node) for node in merkle_proof(layers, position)],
            "recordLeaf": hex_data(leaf),
            "recordIndex": hex(index),
            "recordProof": [hex_data(node) for node in proof],
        }

    async def membership(self, datanet_id: int, version: int, contributor: Address) -> Json:
        """A contribution of an account in a version with its path, as `claimRetrieval` takes it.

        Raises InvalidInputError where it has none.
        """
        frozen = await self._reader.ethereum.read(DATANETS, "getVersion", datanet_id, version)
        accepted, layers = await self._tree(datanet_id, version, frozen)
        places = [place for place, each in enumerate(accepted) if each.contributor == contributor]
        if not places:
            raise InvalidInputError(f"{hex_data(contributor)} has nothing in version {version}")
        found = accepted[places[0]]
        return {
            "position": hex(places[0]),
            "contributionId": hex(found.contribution_id),
            "firstRecord": hex(found.first_record),
            "proof": [hex_data(node) for node in merkle_proof(layers, places[0])],
        }

    async def _tree(
        self, datanet_id: int, version: int, frozen: Json
    ) -> tuple[list[_Accepted], list[list[Hash32]]]:
        """A version's contributions and the tree over them; raises InvalidInputError for another root."""
        accepted = (await self._accepted(datanet_id))[: frozen["contributions"]]
        layers = merkle_layers([each.leaf() for each in accepted])
        if layers[-1][0] != frozen["root"]:
            raise InvalidInputError(
                f"the events of Datanet {datanet_id} do not give version {version}'s root"
            )
        return accepted, layers

    async def _accepted(self, datanet_id: int) -> list[_Accepted]:
        """Every accepted contribution of a Datanet, by position."""
        ethereum = self._reader.ethereum
        committed = {
            event.arguments["contributionId"]: event
            for event in await ethereum.events(DATANETS, "ContributionCommitted", datanet_id)
        }
        reviewed = await ethereum.events(DATANETS, "ContributionReviewed", datanet_id)
        chosen = [event.arguments for event in reviewed if event.arguments["accepted"]]
        found = []
        for review in sorted(chosen, key=lambda each: each["position"]):
            event = committed[review["contributionId"]]
            found.append(
                _Accepted(
                    contribution_id=review["contributionId"],
                    contributor=Address(event.arguments["contributor"]),
                    root=Hash32(event.arguments["root"]),
                    records=event.arguments["records"],
                    first_record=review["firstRecord"],
                    commit_block=event.block_number,
                )
            )
        return found

    async def _in_contribution(
        self, datanet_id: int, found: _Accepted, index: int
    ) -> tuple[Hash32, list[Hash32]]:
        """The record's leaf and its path to the contribution's root."""
        events = await self._reader.ethereum.events(
            DATANETS, "ContributionRevealed", datanet_id, found.contribution_id
        )
        uri = str(events[-1].arguments["uri"])
        layers = await asyncio.to_thread(self._layers, uri, datanet_id, found.contributor)
        if layers[-1][0] != found.root:
            raise InvalidInputError(f"{uri} is not what contribution {found.contribution_id} committed")
        return layers[0][index], merkle_proof(layers, index)

    def _layers(self, uri: str, datanet_id: int, contributor: Address) -> list[list[Hash32]]:
        data = self._artifacts.get(parse_id(uri))
        return record_layers(data, chain_id=self._chain_id, datanet_id=datanet_id, contributor=contributor)
