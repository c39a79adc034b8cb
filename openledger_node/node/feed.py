"""The sequencer's feed over WebSocket: signed blocks as they are sealed; followers and relays.

`ws://host:9642/?from=N` sends block N, N + 1, … as binary messages (`rollup_bridge.feed.message`), then each
new one when it is sealed; after a rewind it goes on from the first block that is another now. A relay passes
on what it heard, with the sequencer's signature: it needs no key, and its followers do not trust it.
Covered: slow readers (the socket's own back-pressure), gaps and broken connections (asked again from what is
missing), bad signatures (the connection is given up). Not covered: following more than one feed.
"""

import asyncio
import collections
from contextlib import suppress
from typing import Protocol

import aiohttp
import structlog
from aiohttp import web
from eth_account import Account

from genesis.keccak import keccak256
from genesis.spec import RollupConfig
from genesis.types import Address, Hash32
from openledger_node.chain.chain import Chain
from openledger_node.clock import Clock
from openledger_node.errors import StartError, TemporaryError
from openledger_node.evm.records import Block
from openledger_node.evm.signatures import recover_signer
from openledger_node.l1.client import L1Client
from openledger_node.l1.errors import L1UnavailableError
from openledger_node.node.l2_engine import ChainEngine, to_l2_block
from rollup_bridge.errors import MalformedError, TransactionError
from rollup_bridge.feed.follower import Follower, Step
from rollup_bridge.feed.message import MAX_MESSAGE_BYTES, digest, encode_block, feed_block, open_message

log = structlog.get_logger(__name__)

POLL_S = 0.02
RECONNECT_S = 1.0
_REMEMBERED = 4_096
"""Messages, more than the blocks that are ever ahead of the safe head while sequencer and batcher live."""
_SIGNER = keccak256(b"unsafeBlockSigner()")[:4]
_WORD = 32


class Messages(Protocol):
    """Where a feed takes the signed message of a canonical block from; None if it has none."""

    def of(self, block: Block) -> bytes | None: ...


class _Newest:
    """The newest messages by block hash."""

    def __init__(self) -> None:
        self._messages: collections.OrderedDict[Hash32, bytes] = collections.OrderedDict()

    def get(self, block_hash: Hash32) -> bytes | None:
        return self._messages.get(block_hash)

    def put(self, block_hash: Hash32, message: bytes) -> bytes:
        self._messages[block_hash] = message
        while len(self._messages) > _REMEMBERED:
            self._messages.popitem(last=False)
        return message


class SignedMessages:
    """The sequencer's own: made when they are asked for."""

    def __init__(self, chain_id: int, private_key: bytes) -> None:
        self._chain_id = chain_id
        self._account = Account.from_key(private_key)
        self._signed = _Newest()

    def of(self, block: Block) -> bytes | None:
        """See `Messages`."""
        block_hash = block.header.hash
        return self._signed.get(block_hash) or self._signed.put(block_hash, self._sign(block))

    def _sign(self, block: Block) -> bytes:
        body = encode_block(feed_block(to_l2_block(block)))
        signature = self._account.unsafe_sign_hash(digest(self._chain_id, body))
        words: bytes = signature.r.to_bytes(_WORD, "big") + signature.s.to_bytes(_WORD, "big")
        return body + words + bytes([signature.v - 27])


class HeardMessages:
    """What a relay heard of the sequencer and built itself."""

    def __init__(self) -> None:
        self._heard = _Newest()

    def hear(self, block_hash: Hash32, message: bytes) -> None:
        self._heard.put(block_hash, message)

    def of(self, block: Block) -> bytes | None:
        """See `Messages`."""
        return self._heard.get(block.header.hash)


class FeedServer:
    """Sends the chain's blocks with their signed messages to whoever connects."""

    def __init__(self, chain: Chain, messages: Messages, host: str, port: int) -> None:
        self._chain = chain
        self._messages = messages
        self._host, self._port = host, port
        self._runner: web.ServerRunner | None = None
        self._sockets: set[web.WebSocketResponse] = set()
        self.port = port

    async def start(self) -> None:
        """Bind the port; raises StartError when it is taken."""
        self._runner = web.ServerRunner(web.Server(self._serve), shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            raise StartError(
                f"port {self._port} is not available ({error.strerror})", "choose another with --feed.port"
            ) from None
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        for socket in tuple(self._sockets):
            await socket.close(code=aiohttp.WSCloseCode.GOING_AWAY, drain=False)
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=20.0, timeout=1.0)
        await socket.prepare(request)
        first = request.query.get("from", "")
        number = int(first) if first.isascii() and first.isdecimal() and len(first) < 20 else 1
        self._sockets.add(socket)
        sender = asyncio.create_task(self._send_from(socket, max(1, number)))
        try:
            async for _ in socket:
                pass  # nothing is expected; reading sees the end
        finally:
            self._sockets.discard(socket)
            sender.cancel()
            with suppress(asyncio.CancelledError):
                await sender
        return socket

    async def _send_from(self, socket: web.WebSocketResponse, number: int) -> None:
        sent: collections.deque[Hash32] = collections.deque(maxlen=_REMEMBERED)
        while not socket.closed:
            while sent and not self._chain.is_canonical(sent[-1]):
                sent.pop()
                number -= 1
            block = self._chain.block_by_number(number)
            message = None if block is None else self._messages.of(block)
            if block is None or (message is None and number > self._chain.heads.safe.number):
                await asyncio.sleep(POLL_S)
                continue
            if message is not None:  # a relay may lack that of a safe block: the L1 has it
                with suppress(ConnectionError):
                    await socket.send_bytes(message)
            sent.append(block.header.hash)
            number += 1


class FeedClient:
    """Follows a feed until cancelled; a service. The signer is the one that `SystemConfig` on L1 names.

    `heard` gets the message of each block that was built: a relay's, that passes them on.
    """

    def __init__(
        self,
        config: RollupConfig,
        engine: ChainEngine,
        l1: L1Client,
        url: str,
        clock: Clock,
        *,
        heard: HeardMessages | None = None,
    ) -> None:
        self._config = config
        self._l1 = l1
        self._url = url
        self._clock = clock
        self._heard = heard
        self._follower = Follower(config, engine)
        self.rejected = 0

    @property
    def follower(self) -> Follower:
        return self._follower

    async def run(self) -> None:
        """Connect, follow, and again after a pause."""
        while True:
            try:
                await self._follow(await self._signer())
            except (aiohttp.ClientError, TimeoutError, TemporaryError, TransactionError) as error:
                log.debug("feed is not there", reason=str(error))
            except MalformedError as error:
                self.rejected += 1
                log.warning("feed message refused", reason=str(error))
            await self._clock.sleep(RECONNECT_S)

    async def _signer(self) -> Address:
        answer = await self._l1.call(self._config.l1_system_config, _SIGNER)
        if len(answer) != _WORD:
            raise L1UnavailableError("SystemConfig does not name the feed's signer")
        return Address(answer[12:])

    async def _follow(self, signer: Address) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                wanted = await self._follower.next_wanted()
                async with session.ws_connect(
                    f"{self._url}?from={wanted}", max_msg_size=MAX_MESSAGE_BYTES, heartbeat=20.0
                ) as socket:
                    if not await self._read(socket, signer):
                        return

    async def _read(self, socket: aiohttp.ClientWebSocketResponse, signer: Address) -> bool:
        """Take what comes. True if blocks in between are missing and have to be asked for."""
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.BINARY:
                return False
            block = open_message(message.data, self._config.l2_chain_id, signer, recover)
            step = await self._follower.take(block)
            if self._heard is not None and step in {Step.BUILT, Step.KNOWN}:
                self._heard.hear(block.hash, message.data)
            if step is Step.AGAIN:
                await self._clock.sleep(POLL_S)
                return True
            if step is Step.REFUSED:
                log.warning("feed block cannot be built", number=block.id.number)
                return False
        return False


def recover(signed: Hash32, signature: bytes) -> Address | None:
    """See `rollup_bridge.feed.message.Recover`."""
    r, s = (int.from_bytes(signature[at : at + _WORD], "big") for at in (0, _WORD))
    return recover_signer(signed, signature[-1], r, s)
