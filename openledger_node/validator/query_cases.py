"""How a customer settles whether the query that its provider committed for an answer is the right one.

The query is recomputed first, from the input and output that the customer kept and from the model's published
documents; if it differs, a case before a jury shows both to everybody, for good. The provider is slashed if
the jury finds the same, else the bond pays the jury and compensates the provider.

Covered: classifiers, language models and encoders; queries of any width. Not covered: an output that is not
the model's; a provider that published no queries (`attribution demand post --tree queries`).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from genesis.commitments import (
    EMPTY_SUM_NODE,
    QUERY_BYTES,
    merkle_root,
    pack_vector,
    query_leaf,
    sum_proof,
    sum_tree_layers,
    tree_depth,
    vector_root,
)
from genesis.keccak import keccak256
from genesis.types import Hash32
from openledger_node.client.disputes import query_calls
from openledger_node.client.economy import ATTRIBUTION, METERING, POST_PENDING, EconomyReader
from openledger_node.client.openings import Opening, receipt_input
from openledger_node.client.posts import posted
from openledger_node.client.purchase_journal import KeptReceipt
from openledger_node.client.receipt_tree import ReceiptTree
from openledger_node.errors import UserError
from openledger_node.jobs.ports import WorkerPool
from openledger_node.validator.cases import has_jurors
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.documents import DocumentError, Documents
from openledger_node.validator.query_games import query_evidence
from openledger_node.validator.records import Batch, PostInputs
from precompiles.views.attribution import VOID_SETTLEMENT
from precompiles.views.disputes import ReceiptEvidence
from precompiles.views.metering import Settlement
from workers.protocol import JuryQueryRequest, JuryQueryResult
from workers.protocol.codec import from_json, to_json


@dataclass(frozen=True, slots=True)
class Contested:
    """One kept answer with the post that attributes it: what a case about its query takes."""

    inputs: PostInputs
    place: int
    number: int
    opening: Opening
    receipt: ReceiptEvidence

    @property
    def batch(self) -> Batch:
        return self.inputs.batches[self.place]

    @property
    def committed(self) -> bytes:
        """The query that the provider committed, packed."""
        first = self.batch.settlement.first_receipt
        return pack_vector(self.batch.queries[self.number - first].vector, QUERY_BYTES)


class QueryCases:
    """Finds, checks and accuses; only `open` needs somebody who signs."""

    def __init__(self, reader: EconomyReader, documents: Documents) -> None:
        self._reader = reader
        self._documents = documents

    async def contested(self, channel_id: Hash32, number: int, kept: Sequence[KeptReceipt]) -> Contested:
        """A kept answer and where it was attributed. Raises `UserError` if it was not, or is not known."""
        opening = _opening(channel_id, number, kept)
        settlement_id, settlement = await self._settlement(channel_id, number)
        receipts = kept[: settlement.first_receipt + settlement.receipts]
        receipt = await self._receipt(channel_id, number, opening, receipts, settlement)
        inputs = await self._inputs(settlement_id)
        place = [each.claim.settlement_id for each in inputs.batches].index(settlement_id)
        _check_published(inputs.batches[place])
        return Contested(inputs, place, number, opening, receipt)

    async def check(self, pool: WorkerPool, contested: Contested) -> JuryQueryResult:
        """The committed query against the one recomputed here; raises the pool's errors."""
        opening = contested.opening
        receipt = receipt_input(contested.number, opening.prompt, opening.output)
        document = contested.inputs.index_document
        request = JuryQueryRequest(document, receipt, contested.committed)
        return from_json(JuryQueryResult, await pool.run("jury_query", to_json(request)))

    async def open(self, challenger: Challenger, contested: Contested) -> int:
        """Commit, show the query, then input and output; returns the case's id. Raises RevertedError, and
        `UserError` where nobody could judge."""
        inputs, opening = contested.inputs, contested.opening
        if (await self._reader.post(inputs.post_id)).status != POST_PENDING:
            raise UserError(f"post {inputs.post_id} can no longer be contested", "its window is over")
        channel = await self._reader.channel(contested.batch.settlement.channel_id)
        parties = {bytes(inputs.index.signer), bytes(channel.provider), challenger.address_bytes}
        if not await has_jurors(self._reader, parties):
            raise UserError("no validator but the parties is staked", "a jury needs others; try later")
        await self._show(challenger, contested.committed)
        await challenger.commit(inputs.post_id)
        leaf = query_evidence(contested.batch, contested.number - contested.batch.settlement.first_receipt)
        mined = await challenger.send(
            "openQueryCase",
            inputs.post_id,
            await challenger.salt(inputs.post_id),
            (await posted(self._reader, inputs.post_id)).batches,
            contested.place,
            tuple(asdict(leaf).values()),
            tuple(asdict(contested.receipt).values()),
            (opening.prompt, opening.output),
        )
        return int(mined.event("JuryCaseOpened").arguments["caseId"])

    async def _show(self, challenger: Challenger, query: bytes) -> None:
        """Whatever of a query was not shown yet."""
        root = vector_root(query, QUERY_BYTES)
        shown = int(await self._reader.ethereum.read(ATTRIBUTION, "shownOf", root))
        for arguments in query_calls(query, shown):
            await challenger.send("showQuery", *arguments)

    async def _settlement(self, channel_id: Hash32, number: int) -> tuple[int, Settlement]:
        for event in await self._reader.ethereum.events(METERING, "Settled", channel_id):
            settlement_id = int(event.arguments["settlementId"])
            found = await self._reader.settlement(settlement_id)
            if 0 <= number - found.first_receipt < found.receipts:
                return settlement_id, found
        raise UserError(f"receipt {number} of the channel is not settled", "see `infer settle`")

    async def _inputs(self, settlement_id: int) -> PostInputs:
        post_id = await self._reader.post_of(settlement_id)
        if post_id in {0, VOID_SETTLEMENT}:
            state = "is not attributed yet" if post_id == 0 else "was found wrong already"
            raise UserError(f"settlement {settlement_id} {state}", "see `attribution posts`")
        try:
            post = await self._reader.post(post_id)
            return await self._documents.inputs(await posted(self._reader, post_id), post)
        except DocumentError as error:
            raise UserError(str(error), "name a host that has it with --artifacts") from error

    async def _receipt(
        self,
        channel_id: Hash32,
        number: int,
        opening: Opening,
        receipts: Sequence[KeptReceipt],
        settlement: Settlement,
    ) -> ReceiptEvidence:
        """The receipt with its path in the settled tree, all of whose leaves the customer kept."""
        tree = ReceiptTree(await self._reader.ethereum.chain_id(), channel_id)
        leaves = [tree.leaf(place, each.hash, each.fee_wei) for place, each in enumerate(receipts)]
        count = settlement.first_receipt + settlement.receipts
        leaves += [EMPTY_SUM_NODE] * ((1 << tree_depth(count)) - len(leaves))
        layers = sum_tree_layers(leaves)
        if layers[-1][0].hash != settlement.receipts_root:
            raise UserError("the kept receipts are not those that were settled", "give the right --journal")
        path = sum_proof(layers, number)
        return ReceiptEvidence(
            number,
            keccak256(opening.prompt),
            keccak256(opening.output),
            opening.tokens_in,
            opening.tokens_out,
            receipts[number].fee_wei,
            receipts[number].fee_wei,
            [each.hash for each in path],
            [each.sum for each in path],
        )


def _opening(channel_id: Hash32, number: int, kept: Sequence[KeptReceipt]) -> Opening:
    if not 0 <= number < len(kept):
        raise UserError(f"{len(kept)} receipts of this channel were kept, none is number {number}")
    found = kept[number]
    if found.opening is None:
        raise UserError(f"receipt {number} was kept without what opens it", "only later ones can be shown")
    if found.opening.hash(channel_id, number, found.fee_wei) != found.hash:
        raise UserError(f"what was kept of receipt {number} does not open it", "the journal is damaged")
    return found.opening


def _check_published(batch: Batch) -> None:
    """The published queries are what was committed."""
    leaves = [
        query_leaf(
            number=each.number,
            weight=each.weight,
            query_root=vector_root(pack_vector(each.vector, QUERY_BYTES), QUERY_BYTES),
        )
        for each in batch.queries
    ]
    if len(leaves) != batch.settlement.receipts or merkle_root(leaves) != batch.settlement.queries_root:
        raise UserError(
            f"the published queries of settlement {batch.claim.settlement_id} are not the committed ones",
            "make their provider show them: `attribution demand post --tree queries`",
        )
