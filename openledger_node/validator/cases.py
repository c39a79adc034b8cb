"""How a validator brings a feature index before a jury: for what its own recomputation found, once.

Floating point decides there, so a recomputation is no proof: the bond of a committed challenge pays the jury
if it finds otherwise. Nothing is opened where only the parties have stake, since that would lose the bond.

Covered: a row that is not its record's gradient; a preconditioner that is not the model's, or another than
the published one. Not covered: queries of receipts, which their customers accuse (`query_cases`).
"""

from collections.abc import Collection
from dataclasses import dataclass

import structlog

from genesis.commitments import ROW_BYTES, merkle_proof, vector_root, word
from genesis.keccak import keccak256
from openledger_node.client.economy import ATTRIBUTION, STAKING, EconomyReader
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.index_check import IndexInputs, rows_layers
from precompiles.views.attribution import INDEX_KEY

PATIENCE_PARTS = 4
"""In the last part, 1/4, of the window nobody is waited for."""
LONGEST_WAIT_S = 60

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Accusation:
    """What is wrong with an index: the row at `place`, or its preconditioner where that is None."""

    place: int | None


class Cases:
    """One account's accusations; `opened` is for metrics."""

    def __init__(self, reader: EconomyReader, challenger: Challenger) -> None:
        self._reader = reader
        self._challenger = challenger
        self.opened = 0

    async def is_turn(self, inputs: IndexInputs, found_s: int) -> bool:
        """Whether to accuse now what was found at `found_s`: who opens a second case of the same pays a jury
        for nothing. Everybody waits a moment of its own and for others' commitments, but not too long."""
        policy = await self._reader.policy(inputs.index.policy_version)
        patience_s = policy.index_window_s // PATIENCE_PARTS
        now_s = await self._reader.ethereum.timestamp_s()
        if now_s >= inputs.index.usable_at_s - patience_s:
            return True
        ticket = keccak256(self._challenger.address_bytes + word(inputs.index_id))
        if now_s < found_s + int.from_bytes(ticket, "big") % (min(patience_s, LONGEST_WAIT_S) + 1):
            return False
        committed = await self._reader.ethereum.events(
            ATTRIBUTION, "IndexChallengeCommitted", inputs.index_id
        )
        return all(
            bytes(event.arguments["challenger"]) == self._challenger.address_bytes for event in committed
        )

    async def accuse(self, inputs: IndexInputs, accusation: Accusation) -> None:
        """Open a case, unless somebody did of the same, or this account of anything. Raises RevertedError."""
        index_id, key = inputs.index_id, INDEX_KEY + inputs.index_id
        for event in await self._reader.ethereum.events(ATTRIBUTION, "JuryCaseOpened", None, key):
            is_own = bytes(event.arguments["challenger"]) == self._challenger.address_bytes
            if is_own or event.arguments["content"] == _content(inputs, accusation):
                return
        parties = {bytes(inputs.index.signer), self._challenger.address_bytes}
        if not await has_jurors(self._reader, parties):
            log.error("nobody but the parties could judge an index", index=index_id)
            return
        await self._challenger.commit(key)
        salt = await self._challenger.salt(key)
        if accusation.place is None:
            mined = await self._challenger.send("openPreconditionerCase", index_id, salt)
        else:
            mined = await self._challenger.send(
                "openRowCase", index_id, salt, row_leaf(inputs, accusation.place)
            )
        self.opened += 1
        case_id = mined.event("JuryCaseOpened").arguments["caseId"]
        log.warning("feature index brought before a jury", index=index_id, row=accusation.place, case=case_id)


async def has_jurors(reader: EconomyReader, parties: Collection[bytes]) -> bool:
    """Whether anybody but the parties has validator stake; without, a case would lose its bond."""
    before_s = await reader.ethereum.timestamp_s() - 1
    total_wei = int(await reader.ethereum.read(STAKING, "totalStakeAt", before_s))
    own_wei = sum([int(await reader.ethereum.read(STAKING, "stakeAt", each, before_s)) for each in parties])
    return total_wei > own_wei


def _content(inputs: IndexInputs, accusation: Accusation) -> bytes:
    """What a case's event names as accused."""
    if accusation.place is None:
        return inputs.index.preconditioner_hash
    return vector_root(inputs.rows.mantissas[accusation.place].tobytes(), ROW_BYTES)


def row_leaf(inputs: IndexInputs, place: int) -> tuple[int, int, int, int, bytes, list[bytes]]:
    """A committed row as `IAttribution.RowLeaf`."""
    rows = inputs.rows
    return (
        place,
        int(rows.canonical[place]),
        int(rows.owners[place]),
        int(rows.exponents[place]),
        _content(inputs, Accusation(place)),
        list(merkle_proof(rows_layers(rows), place)),
    )
