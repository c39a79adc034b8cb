"""How node and worker prove to each other that they hold the same token, without sending it.

node → `hello` (protocol, nonce); worker → `auth` (name, pid, nonce, mac); node → `welcome` (mac) or
`refused` (reason). `mac = HMAC-SHA256(token, role ‖ node's nonce ‖ worker's nonce)`, role `worker` or `node`.

Covered: authentication of both sides, fresh per connection. Not covered: secrecy and integrity of what
follows; over TCP between machines use a private network or a tunnel.
"""

import asyncio
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from workers.errors import ProtocolError
from workers.pool.codec import MAX_HANDSHAKE_BYTES, Message, read_message, write_message
from workers.pool.placement import Capacity

PROTOCOL = 1
ANY_CAPACITY = Capacity()
NONCE_BYTES = 32
TOKEN_BYTES = 32
HANDSHAKE_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """What a worker says about itself; for logs and status only."""

    name: str
    pid: int
    capacity: Capacity = ANY_CAPACITY


def write_token(path: Path) -> bytes:
    """A fresh token, in a file only its owner can read."""
    token = secrets.token_hex(TOKEN_BYTES).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(token)
    return token


def read_token(path: Path) -> bytes:
    """The token in a file; raises ProtocolError for an empty one."""
    token = path.read_bytes().strip()
    if not token:
        raise ProtocolError(f"{path} holds no token")
    return token


def _mac(token: bytes, role: bytes, node_nonce: str, worker_nonce: str) -> str:
    text = b"openledger-pool/1\x00%b\x00%b\x00%b" % (role, node_nonce.encode(), worker_nonce.encode())
    return hmac.new(token, text, "sha256").hexdigest()


async def greet_worker(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: bytes
) -> WorkerIdentity:
    """The node's side; raises ProtocolError or TimeoutError unless the worker knows the token."""
    async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
        nonce = secrets.token_hex(NONCE_BYTES)
        await write_message(writer, {"type": "hello", "protocol": PROTOCOL, "nonce": nonce})
        answer = await _expect(reader, "auth")
        name, pid, worker_nonce, mac = (answer.get(key) for key in ("name", "pid", "nonce", "mac"))
        if not (isinstance(name, str) and type(pid) is int and isinstance(worker_nonce, str)):
            raise ProtocolError("malformed auth message")
        expected = _mac(token, b"worker", nonce, worker_nonce)
        if not isinstance(mac, str) or not hmac.compare_digest(mac.encode(), expected.encode()):
            await write_message(writer, {"type": "refused", "reason": "wrong token"})
            raise ProtocolError("a worker with the wrong token was refused")
        await write_message(writer, {"type": "welcome", "mac": _mac(token, b"node", nonce, worker_nonce)})
        return WorkerIdentity(name[:64], pid, _capacity(answer))


async def greet_node(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    token: bytes,
    name: str,
    capacity: Capacity = ANY_CAPACITY,
) -> None:
    """The worker's side; raises ProtocolError or TimeoutError unless the node knows the token."""
    async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
        hello = await _expect(reader, "hello")
        node_nonce = hello.get("nonce")
        if hello.get("protocol") != PROTOCOL or not isinstance(node_nonce, str):
            raise ProtocolError(f"the node speaks pool protocol {hello.get('protocol')}, not {PROTOCOL}")
        nonce = secrets.token_hex(NONCE_BYTES)
        auth: Message = {"type": "auth", "name": name, "pid": os.getpid(), "nonce": nonce}
        auth |= {"device": capacity.device, "memory_mb": capacity.memory_mb}
        await write_message(writer, {**auth, "mac": _mac(token, b"worker", node_nonce, nonce)})
        welcome = await _expect(reader, "welcome")
        expected = _mac(token, b"node", node_nonce, nonce)
        if not hmac.compare_digest(str(welcome.get("mac")).encode(), expected.encode()):
            raise ProtocolError("the node does not know the token")


def _capacity(answer: Message) -> Capacity:
    device, memory_mb = answer.get("device", "cpu"), answer.get("memory_mb", ANY_CAPACITY.memory_mb)
    if not isinstance(device, str) or type(memory_mb) is not int or memory_mb < 0:
        raise ProtocolError("malformed auth message")
    return Capacity(device[:16], memory_mb)


async def _expect(reader: asyncio.StreamReader, kind: str) -> Message:
    message = await read_message(reader, MAX_HANDSHAKE_BYTES)
    if message is None:
        raise ProtocolError(f"the connection ended before {kind}")
    if message["type"] == "refused":
        raise ProtocolError(f"refused: {message.get('reason')}")
    if message["type"] != kind:
        raise ProtocolError(f"expected {kind}, got {message['type']}")
    return message
