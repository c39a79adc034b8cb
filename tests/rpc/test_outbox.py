import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openledger_node.rpc.outbox import Outbox


async def test_messages_leave_in_order() -> None:
    outbox = Outbox(most_messages=10, most_bytes=100)
    for message in (b"a", b"b", b"c"):
        outbox.add(message)
    assert [await outbox.next() for _ in range(3)] == [b"a", b"b", b"c"]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(outbox.next(), 0.01)


@pytest.mark.parametrize("messages", [[b"x"] * 3, [b"x" * 10]])
async def test_there_is_room_again_once_messages_are_written(messages: list[bytes]) -> None:
    outbox = Outbox(most_messages=3, most_bytes=10)
    for message in messages:
        outbox.add(message)
    assert outbox.is_full
    waiting = asyncio.create_task(outbox.room())
    message = await outbox.next()
    outbox.written(message)
    async with asyncio.timeout(5):
        await waiting
    assert not outbox.is_full


@given(st.lists(st.binary(max_size=5), max_size=30))
def test_what_is_written_is_not_counted(messages: list[bytes]) -> None:
    async def run() -> None:
        outbox = Outbox(most_messages=4, most_bytes=8)
        for message in messages:
            await outbox.room()
            outbox.add(message)
            if outbox.is_full:
                while outbox.is_full:
                    outbox.written(await outbox.next())
        assert not outbox.is_full

    asyncio.run(run())
