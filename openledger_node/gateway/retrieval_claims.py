"""What a contributor has in a settled share for retrieved records: everything that `claimRetrieval` takes.

Covered: leaves from the settlement's published document, compared with the chain's root; a contribution of
the contributor in the version. Not covered: sending the claim.
"""

import asyncio
from typing import Any

from genesis.types import Address, Hash32
from openledger_node.client.economy import METERING, EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.client.retrieval_shares import SharedLeaves, Span
from openledger_node.gateway.errors import NotFoundError
from openledger_node.gateway.record_proofs import RecordProofs
from openledger_node.gateway.values import hex_data
from openledger_node.jobs.settlement import read_shares
from workers.artifacts.store import ArtifactStore, parse_id
from workers.errors import InvalidInputError

Json = dict[str, Any]


class RetrievalClaims:
    def __init__(
        self, *, reader: EconomyReader, artifacts: ArtifactStore, proofs: RecordProofs, chain_id: int
    ) -> None:
        self._reader = reader
        self._artifacts = artifacts
        self._proofs = proofs
        self._chain_id = chain_id

    async def proof(self, retrieval_id: int, contributor: Address) -> Json:
        """A leaf with its path and its contributor's place in the version; raises NotFoundError.

        Raises InvalidInputError, ArtifactError for a document that is not what was settled, or not here.
        """
        ethereum = self._reader.ethereum
        try:
            found = await ethereum.read(METERING, "getRetrieval", retrieval_id)
        except RevertedError as error:
            raise NotFoundError(f"no retrieval {retrieval_id}") from error
        span, shared = await self._shared(found)
        places = [place for place, (who, _) in enumerate(shared.leaves) if who == contributor]
        if not places:
            raise NotFoundError(f"{hex_data(contributor)} has nothing in retrieval {retrieval_id}")
        place = places[0]
        siblings, sums = shared.path(span, place)
        version = (found["datanetId"], found["version"])
        return {
            "retrievalId": hex(retrieval_id),
            "settlementId": hex(found["settlementId"]),
            "datanetId": hex(found["datanetId"]),
            "version": hex(found["version"]),
            "contributorIndex": hex(place),
            "contributor": hex_data(contributor),
            "amount": hex(shared.leaves[place][1]),
            "siblings": [hex_data(sibling) for sibling in siblings],
            "siblingSums": [hex(total) for total in sums],
            "membership": await self._proofs.membership(*version, contributor),
            "claimed": bool(await ethereum.read(METERING, "isRetrievalClaimed", retrieval_id, place)),
        }

    async def _shared(self, found: Json) -> tuple[Span, SharedLeaves]:
        """The leaves behind a retrieval's root, and the receipts that they are for."""
        settlement = await self._reader.settlement(found["settlementId"])
        uri = await self._reader.uri_of_settlement(found["settlementId"], settlement.channel_id)
        document = await asyncio.to_thread(self._artifacts.get, parse_id(uri))
        first = settlement.first_receipt
        span = Span(self._chain_id, Hash32(settlement.channel_id), first, first + settlement.receipts)
        for shared in read_shares(document):
            named = (shared.datanet_id, shared.version) == (found["datanetId"], found["version"])
            if named and shared.share(span).root == found["root"]:
                return span, shared
        raise InvalidInputError(f"{uri} has not the leaves that were settled")
