"""What a contributor has earned with a model and can prove: claims against posts, and what is likely to come.

Covered: the proof that `claim` takes; sums over the model's newest posts. Integers are quantities in wei.
Not covered: sending the claim; fees that other gateways have not settled yet.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from genesis.shares import PPM, SplitRule, split_fee
from genesis.types import Address
from openledger_node.client.contract import Event
from openledger_node.client.economy import ATTRIBUTION, POST_FINAL, POST_PENDING, POST_VOID, EconomyReader
from openledger_node.gateway.receipts import ReceiptTable
from openledger_node.gateway.values import hex_data
from workers.artifacts.store import ArtifactStore, parse_id
from workers.attribution.post import read_post
from workers.errors import InvalidInputError

Json = dict[str, Any]

NEWEST_POSTS = 32
"""Posts of a model that an estimate looks at."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A contributor's part of one post."""

    post_id: int
    amount_wei: int
    total_wei: int
    is_final: bool
    is_claimed: bool


class Earnings:
    def __init__(self, *, reader: EconomyReader, receipts: ReceiptTable, artifacts: ArtifactStore) -> None:
        self._reader = reader
        self._receipts = receipts
        self._artifacts = artifacts

    async def proof(self, post_id: int, contributor: Address) -> Json | None:
        """Everything `IAttribution.claim` takes but the recipient; None for who has no leaf in the post.

        Raises InvalidInputError, ArtifactError for a document that is not what was posted, or not here.
        """
        events = await self._reader.ethereum.events(ATTRIBUTION, "AttributionPosted", post_id)
        if not events:
            return None
        document = await asyncio.to_thread(read_post, self._artifacts, parse_id(events[0].arguments["uri"]))
        if contributor not in document.contributors:
            return None
        place = document.contributors.index(contributor)
        tree = document.amounts_tree()
        root = tree.root()
        if root.hash != events[0].arguments["amountsRoot"]:
            raise InvalidInputError(f"the document of post {post_id} has other amounts than its root")
        evidence = tree.evidence(place)
        post = await self._reader.post(post_id)
        return {
            "postId": hex(post_id),
            "contributorIndex": hex(place),
            "contributor": hex_data(contributor),
            "amount": hex(evidence.amount),
            "siblings": [hex_data(sibling) for sibling in evidence.siblings],
            "siblingSums": [hex(total) for total in evidence.sibling_sums],
            "amountsRoot": hex_data(root.hash),
            "final": post.status == POST_FINAL,
            "claimed": await self._is_claimed(post_id, place),
        }

    async def estimate(self, contributor: Address, model_id: int) -> Json | None:
        """What the model's newest posts hold for a contributor, and its share of what they do not cover yet.

        `unsettled` supposes that receipts not settled yet are earned as those of the newest post were.
        """
        events = await self._reader.ethereum.events(ATTRIBUTION, "AttributionPosted", None, model_id)
        parts = [await self._part(event, contributor) for event in events[-NEWEST_POSTS:]]
        known = [part for part in parts if part is not None]
        newest = known[-1] if known else None
        share_ppm = newest.amount_wei * PPM // newest.total_wei if newest and newest.total_wei else 0
        waiting_wei = await self._unsettled_wei(model_id)
        return {
            "contributor": hex_data(contributor),
            "modelId": hex(model_id),
            "newestPost": hex(newest.post_id) if newest else None,
            "sharePpm": hex(share_ppm),
            "claimed": hex(sum(part.amount_wei for part in known if part.is_claimed)),
            "claimable": hex(sum(p.amount_wei for p in known if p.is_final and not p.is_claimed)),
            "pending": hex(sum(part.amount_wei for part in known if not part.is_final)),
            "unsettled": hex(waiting_wei * share_ppm // PPM),
        }

    async def _part(self, event: Event, contributor: Address) -> _Part | None:
        post_id = int(event.arguments["postId"])
        post = await self._reader.post(post_id)
        if post.status == POST_VOID:
            return None
        document = await asyncio.to_thread(read_post, self._artifacts, parse_id(event.arguments["uri"]))
        if contributor not in document.contributors:
            return _Part(post_id, 0, post.amount_sum_wei, post.status == POST_FINAL, is_claimed=False)
        place = document.contributors.index(contributor)
        return _Part(
            post_id,
            document.amounts()[place],
            post.amount_sum_wei,
            is_final=post.status != POST_PENDING,
            is_claimed=await self._is_claimed(post_id, place),
        )

    async def _is_claimed(self, post_id: int, place: int) -> bool:
        return bool(await self._reader.ethereum.read(ATTRIBUTION, "isClaimed", post_id, place))

    async def _unsettled_wei(self, model_id: int) -> int:
        """The contributors' part of the fees of this gateway's receipts that no settlement took yet."""
        total_wei = 0
        for channel_id in await self._receipts.channels():
            channel = await self._reader.channel(channel_id)
            if channel.model_id != model_id:
                continue
            receipts = await self._receipts.of_channel(channel_id)
            gross_wei = sum(receipt.fee_wei for receipt in receipts[channel.settled_receipts :])
            policy = await self._reader.policy(channel.policy_version)
            rule = SplitRule(policy.platform_ppm, policy.provider_ppm, policy.owner_ppm, policy.stakers_ppm)
            total_wei += split_fee(gross_wei, rule).contributors_wei
        return total_wei
