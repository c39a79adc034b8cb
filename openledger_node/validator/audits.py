"""How a validator opens the audits that lots draw: of a posted sum one wei, and the contributor who gets it.

Anybody may open a drawn audit, once; the fund that pays its jury is the platform's. What the jury recomputes
is chosen by the chain, so an audit accuses nobody.

Covered: posts whose documents are published. Not covered: an empty fund (the audit is left to somebody who
adds to it).
Source: protocol, section 3 "Challenges" (each post is audited with policy probability).
"""

from dataclasses import asdict
from itertools import accumulate

import structlog

from openledger_node.client.economy import ATTRIBUTION, EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.validator.arguments import packed_leaf
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.leaves import amount_leaves, leaf_evidence, padded, wide_sum
from openledger_node.validator.records import PostInputs

NOT_YET = "NotDueYet"

log = structlog.get_logger(__name__)


class Audits:
    """One account's openings of audits; `opened` is for metrics."""

    def __init__(self, reader: EconomyReader, challenger: Challenger) -> None:
        self._reader = reader
        self._challenger = challenger
        self._settled: set[int] = set()
        self.opened = 0

    async def look(self, inputs: PostInputs) -> None:
        """Open the audit of a post if it is drawn; every post is settled once."""
        post_id = inputs.post_id
        if post_id in self._settled:
            return
        try:
            is_drawn, place = await self._reader.ethereum.read(ATTRIBUTION, "auditOf", post_id)
        except RevertedError as error:
            if error.name != NOT_YET:
                self._settled.add(post_id)
            return
        self._settled.add(post_id)
        if is_drawn:
            await self._open(inputs, int(place))

    async def _open(self, inputs: PostInputs, place: int) -> None:
        number = contributor_at(inputs.posted_amounts, place)
        amounts = padded(amount_leaves(inputs), inputs.index.contributors)
        leaf = leaf_evidence(inputs, amounts, number, inputs.posted_amounts[number])
        evidence = tuple(asdict(wide_sum(inputs.sums, number)).values())
        who = inputs.sums[number].contributor
        try:
            mined = await self._challenger.send(
                "openAudit", inputs.post_id, number, who, packed_leaf(leaf), evidence
            )
        except RevertedError as error:
            log.info("audit not opened", post=inputs.post_id, reason=str(error))
            return
        self.opened += 1
        case_id = mined.event("JuryCaseOpened").arguments["caseId"]
        log.info("audit opened", post=inputs.post_id, contributor=number, case=case_id)


def contributor_at(amounts: tuple[int, ...], place: int) -> int:
    """Whose amount covers this wei of the sum."""
    return next(number for number, total in enumerate(accumulate(amounts)) if place < total)
