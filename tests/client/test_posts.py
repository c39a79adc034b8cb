"""A signer's open posts, as several tasks ask for them at the same time."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from genesis.types import Address
from openledger_node.client.economy import POST_FINAL, POST_PENDING, EconomyReader
from openledger_node.client.posts import OpenPosts

POSTS = {1: POST_PENDING, 2: POST_PENDING, 3: POST_PENDING, 4: POST_PENDING}
OURS, STRANGER = Address(b"\x01" * 20), Address(b"\x02" * 20)


class Chain:
    """Three posts of ours of model 7 in block 1 and a stranger's; every answer takes a turn of the loop."""

    def __init__(self) -> None:
        self.status = dict(POSTS)

    async def block_number(self) -> int:
        await asyncio.sleep(0)
        return 1

    async def events(self, *_asked: Any, first_block: int, last_block: int) -> list[Any]:
        await asyncio.sleep(0)
        signers = {post: STRANGER if post == 4 else OURS for post in POSTS}
        arguments = [{"postId": post, "modelId": 7, "uri": "", "signer": signers[post]} for post in POSTS]
        return [SimpleNamespace(arguments=each) for each in arguments if first_block <= 1 <= last_block]

    async def post(self, post_id: int) -> Any:
        await asyncio.sleep(0)
        return SimpleNamespace(status=self.status[post_id])


async def test_a_post_that_closes_is_dropped_by_all_who_look() -> None:
    chain = Chain()
    reader = SimpleNamespace(ethereum=chain, post=chain.post)
    posts = OpenPosts(cast(EconomyReader, reader), OURS)
    assert await posts.of_model(7) == [1, 2, 3]
    assert await posts.of_model(8) == []
    chain.status[2] = POST_FINAL
    assert await asyncio.gather(*(posts.of_model(7) for _ in range(4))) == [[1, 3]] * 4
