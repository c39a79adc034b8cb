"""The sequencer's feed over WebSocket: signed blocks as they are sealed, and a node that follows them.

`ws://host:9642/?from=N` sends block N, N + 1, … as binary messages (`rollup_bridge.feed.message`), then each
new one when it is sealed; after a rewind it goes on from the first block that is another now.
Covered: slow readers (the socket's own back-pressure), gaps and broken connections (asked again from what is
missing), bad signatures (the connection is given up). Not covered: more than one feed; relays.
"""

import asyncio
import collections
from contextlib import suppress

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
_REMEMBERED = 512
_SIGNER = keccak256(b"unsafeBlockSigner()")[:4]
_WORD = 32


class FeedServer:
    """Sends the chain's blocks, signed with the sequencer's key, to whoever connects."""

    def __init__(self, chain: Chain, chain_id: int, private_key: bytes, host: str, port: int) -> None:
        self._chain = chain
        self._chain_id = chain_id
        self._account = Account.from_key(private_key)
        self._host, self._port = host, port
        self._signed: collections.OrderedDict[Hash32, bytes] = collections.OrderedDict()
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
            if block is None:
                await asyncio.sleep(POLL_S)
                continue
            with suppress(ConnectionError):
                await socket.send_bytes(self._message(block.header.hash, number))
            sent.append(block.header.hash)
            number += 1

    def _message(self, block_hash: Hash32, number: int) -> bytes:
        known = self._signed.get(block_hash)
        if known is not None:
            return known
        block = self._chain.block_by_number(number)
        assert block is not None, "it was there a moment ago"
        body = encode_block(feed_block(to_l2_block(block)))
        signature = self._account.unsafe_sign_hash(digest(self._chain_id, body))
        words = signature.r.to_bytes(_WORD, "big") + signature.s.to_bytes(_WORD, "big")
        self._signed[block_hash] = body + words + bytes([signature.v - 27])
        while len(self._signed) > _REMEMBERED:
            self._signed.popitem(last=False)
        return self._signed[block_hash]


class FeedClient:
    """Follows a feed until cancelled; a service. The signer is the one that `SystemConfig` on L1 names."""

    def __init__(
        self, config: RollupConfig, engine: ChainEngine, l1: L1Client, url: str, clock: Clock
    ) -> None:
        self._config = config
        self._l1 = l1
        self._url = url
        self._clock = clock
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
