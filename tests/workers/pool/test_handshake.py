import asyncio
import stat
from pathlib import Path

import pytest

from workers.errors import InvalidInputError, ProtocolError
from workers.pool.address import connect, listen
from workers.pool.codec import read_message, write_message
from workers.pool.handshake import WorkerIdentity, greet_node, greet_worker, read_token, write_token


async def meet(node_token: bytes, worker_token: bytes) -> tuple[object, object]:
    """Both sides' outcomes: an identity or an error."""
    outcome: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            outcome.set_result(await greet_worker(reader, writer, node_token))
        except ProtocolError as error:
            outcome.set_result(error)
        writer.close()

    server, address = await listen("tcp:127.0.0.1:0", accept)
    reader, writer = await connect(address)
    worker: object = None
    try:
        await greet_node(reader, writer, worker_token, "w")
    except ProtocolError as error:
        worker = error
    writer.close()
    server.close()
    return await outcome, worker


async def test_the_same_token_is_let_in() -> None:
    node, worker = await meet(b"secret", b"secret")
    assert isinstance(node, WorkerIdentity)
    assert node.name == "w"
    assert worker is None


async def test_wrong_token_is_refused_and_told() -> None:
    node, worker = await meet(b"secret", b"guess")
    assert isinstance(node, ProtocolError)
    assert "refused" in str(worker)


async def test_a_false_node_is_found_out() -> None:
    async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await write_message(writer, {"type": "hello", "protocol": 1, "nonce": "0"})
        await read_message(reader)
        await write_message(writer, {"type": "welcome", "mac": "0"})
        writer.close()

    server, address = await listen("tcp:127.0.0.1:0", pretend)
    reader, writer = await connect(address)
    with pytest.raises(ProtocolError, match="does not know"):
        await greet_node(reader, writer, b"secret", "w")
    writer.close()
    server.close()


@pytest.mark.parametrize(
    "answer",
    [{"type": "result"}, {"type": "auth"}, {"type": "auth", "name": 1, "pid": 1, "nonce": "", "mac": ""}],
)
async def test_other_greetings_are_refused(answer: dict[str, object]) -> None:
    outcome: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with pytest.raises(ProtocolError):
            await greet_worker(reader, writer, b"secret")
        outcome.set_result(True)
        writer.close()

    server, address = await listen("tcp:127.0.0.1:0", accept)
    _reader, writer = await connect(address)
    await write_message(writer, answer)
    assert await outcome
    writer.close()
    server.close()


def test_tokens_are_private_files(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "token"
    token = write_token(path)
    assert read_token(path) == token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert write_token(path) != token
    path.write_text("")
    with pytest.raises(ProtocolError):
        read_token(path)


@pytest.mark.parametrize("address", ["tcp:1.2.3.4", "tcp::x", "tcp:h:99999", "unix:", "unix:" + "x" * 101])
async def test_bad_addresses(address: str) -> None:
    with pytest.raises(InvalidInputError):
        await connect(address)
