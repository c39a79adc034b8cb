"""Which attribution posts exist: an incremental reader of AttributionPosted, one request per new range."""

from dataclasses import dataclass
from typing import Any

from genesis.types import Address
from openledger_node.client.contract import Event
from openledger_node.client.economy import ATTRIBUTION, POST_PENDING, EconomyReader
from openledger_node.errors import UserError

BATCHES = ATTRIBUTION.interface.functions["post"].inputs[1]
"""`BatchClaim[]`."""


@dataclass(frozen=True, slots=True)
class PostNotice:
    """One AttributionPosted event."""

    post_id: int
    model_id: int
    uri: str
    event: Event

    @property
    def batches(self) -> list[dict[str, Any]]:
        """What it says of its settlements: the contents of its `batchesHash`, which challenges show."""
        found: list[dict[str, Any]] = self.event.arguments["batches"]
        return found


class PostFeed:
    """Reads new posts since the last call. Reorgs below the cursor are not followed: callers act on state
    read afresh, and use notices only to know where to look."""

    def __init__(self, reader: EconomyReader, first_block: int = 0) -> None:
        self._reader = reader
        self.next_block = first_block

    async def new_posts(self) -> list[PostNotice]:
        """Posts in blocks not read before, in order."""
        head = await self._reader.ethereum.block_number()
        if head < self.next_block:
            return []
        events = await self._reader.ethereum.events(
            ATTRIBUTION, "AttributionPosted", first_block=self.next_block, last_block=head
        )
        self.next_block = head + 1
        return [_notice(event) for event in events]


class OpenPosts:
    """Which models have a post of one signer's that is still open."""

    def __init__(self, reader: EconomyReader, signer: Address) -> None:
        self._reader = reader
        self._signer = signer
        self._feed = PostFeed(reader)
        self._open: dict[int, int] = {}

    async def of_model(self, model_id: int) -> list[int]:
        """Ids of the signer's pending posts of the model at the head."""
        for notice in await self._feed.new_posts():
            if notice.event.arguments["signer"] == self._signer:
                self._open[notice.post_id] = notice.model_id
        found = []
        for post_id in [post_id for post_id, model in self._open.items() if model == model_id]:
            if (await self._reader.post(post_id)).status != POST_PENDING:
                self._open.pop(post_id, None)  # another task may have seen it closed meanwhile
            else:
                found.append(post_id)
        return found


async def posted(reader: EconomyReader, post_id: int) -> PostNotice:
    """One post's notice. Raises `UserError` when there is no such post."""
    events = await reader.ethereum.events(ATTRIBUTION, "AttributionPosted", post_id)
    if not events:
        raise UserError(f"there is no post {post_id}", "see `attribution posts`")
    return _notice(events[-1])


def _notice(event: Event) -> PostNotice:
    return PostNotice(event.arguments["postId"], event.arguments["modelId"], event.arguments["uri"], event)
