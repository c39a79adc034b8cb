"""How a validator makes a poster show what it hides: one path of a committed tree after the other.

A post whose documents cannot be read for a while is asked for its amounts and, under its first settlement,
for the receipts' queries: from the root down to one leaf that the validator chose. Every content shown is
opened in the next demand; what nobody shows in time voids the post or settlement (`answers` ends it).

Covered: trees of posts and settlements. Not covered: remembering over a restart (a path then begins again,
for another fee); a poster that shows every single path and still publishes no document.
"""

from dataclasses import dataclass, field
from typing import Any

import structlog

from genesis.commitments import word
from genesis.keccak import keccak256
from openledger_node.client.economy import ATTRIBUTION, EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.validator.challenger import Challenger
from precompiles.views.attribution import Post

AMOUNTS, QUERIES = 0, 4
"""Trees of a post: its amounts; the receipts' queries of its first batch."""
PATIENCE_SHARE = 4
"""A document may be missing for this part of the window, 1/4, before it is demanded."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Path:
    """How far one tree was opened; `demand_id` waits for its answer."""

    tree: int
    position: int
    opened: list[bytes] = field(default_factory=list)
    demand_id: int = 0
    is_done: bool = False


class Demands:
    """One account's demands; `demanded` is for metrics."""

    def __init__(self, reader: EconomyReader, challenger: Challenger) -> None:
        self._reader = reader
        self._challenger = challenger
        self._paths: dict[int, list[_Path]] = {}
        self.demanded = 0

    async def press(self, post_id: int, post: Post, batches: Any) -> None:
        """Make the next demands about a post whose documents are missing, once its time has come."""
        settlement = await self._reader.settlement(batches[0]["settlementId"])
        policy = await self._reader.policy(settlement.policy_version)
        grace_until_s = (
            post.contestable_until_s - policy.post_window_s * (PATIENCE_SHARE - 1) // PATIENCE_SHARE
        )
        if await self._reader.ethereum.timestamp_s() < grace_until_s:
            return
        if post_id not in self._paths:
            index = await self._reader.feature_index(post.feature_index)
            counts = {AMOUNTS: index.contributors, QUERIES: settlement.receipts}
            self._paths[post_id] = [
                _Path(tree, self._place(post_id, tree, count)) for tree, count in counts.items()
            ]
        for path in self._paths[post_id]:
            if not path.is_done:
                await self._advance(post_id, batches, path, policy.demand_fee_wei)

    async def _advance(self, post_id: int, batches: Any, path: _Path, fee_wei: int) -> None:
        if path.demand_id:
            answers = await self._reader.ethereum.events(ATTRIBUTION, "DemandAnswered", path.demand_id)
            if not answers:
                return
            path.opened.append(bytes(answers[-1].arguments["content"]))
            path.demand_id = 0
        way = (path.tree, path.position, 0, path.opened)
        try:
            mined = await self._challenger.send("demandOfPost", post_id, batches, way, value_wei=fee_wei)
        except RevertedError as error:
            path.is_done = True
            log.info("nothing more to demand", post=post_id, tree=path.tree, reason=str(error))
            return
        path.demand_id = int(mined.event("Demanded").arguments["demandId"])
        self.demanded += 1
        log.warning("hidden content demanded", post=post_id, tree=path.tree, depth=len(path.opened))

    def _place(self, post_id: int, tree: int, count: int) -> int:
        """A leaf that nobody can foretell without knowing who asks."""
        digest = keccak256(self._challenger.address_bytes + word(post_id) + word(tree))
        return int.from_bytes(digest, "big") % count
