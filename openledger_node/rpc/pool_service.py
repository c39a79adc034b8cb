"""The mempool at work: transactions come in by RPC, heads by the chain, everyone who listens is told.

Covered: decoding off the event loop, the journal, return of transactions whose block left the chain, blobs
beside their transaction until it is in a block (plain Ethereum only).
Not covered: gossip (there is one sequencer; a follower forwards to it), rate limits, blobs across restarts.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from genesis.types import Address, Hash32
from openledger_node.chain.chain import Chain
from openledger_node.chain.pool_view import PoolView, pooled
from openledger_node.chain.records import HeadChange
from openledger_node.clock import Clock
from openledger_node.errors import UserError
from openledger_node.evm.blobs import Sidecar
from openledger_node.evm.records import DEPOSIT_TYPE, Transaction
from openledger_node.rpc.feeds import Feeds
from sequencer.errors import AdmissionError
from sequencer.mempool.journal import Journal
from sequencer.mempool.limits import PoolLimits
from sequencer.mempool.ordering import Candidates
from sequencer.mempool.pool import Pool
from sequencer.ports import Answer, PooledTransaction

log = structlog.get_logger(__name__)

JOURNAL_REWRITE_BYTES = 16 * 1024 * 1024
ASK_TIMEOUT_S = 10.0
DECODING_THREADS = 2
"""Recovering a signature leaves Python's lock, decoding does not: more threads would only wait."""
SMALL_BYTES = 300
"""Up to here a transaction is decoded where it arrives: handing it to a thread takes as long."""
MOST_PREPARED = 4_096
MOST_PREPARED_BYTES = 4_096
"""Of one transaction; larger ones are decoded one by one, so that what is prepared stays small."""
DROPPED_UNSEEN = 1_024

Decoded = tuple[Transaction, Sidecar | None, PooledTransaction]


class PoolService:
    """One per chain. All methods belong to the event loop that called `start`, except `ask`."""

    def __init__(
        self,
        chain: Chain,
        clock: Clock,
        feeds: Feeds,
        *,
        limits: PoolLimits | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._chain = chain
        self._clock = clock
        self._feeds = feeds
        self._journal = journal
        self._view = PoolView(chain)
        self.pool = Pool(self._view, limits)
        self._decoded: dict[Hash32, Transaction] = {}
        self._prepared: dict[bytes, Decoded] = {}
        self._threads = ThreadPoolExecutor(DECODING_THREADS, thread_name_prefix="decode")
        self._sidecars: dict[Hash32, Sidecar] = {}
        self._unsubscribe: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Follow the chain's head and take back what the journal kept."""
        loop = self._loop = asyncio.get_running_loop()

        def from_writer(change: HeadChange) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._head_changed, change)

        self._unsubscribe = self._chain.subscribe(from_writer)
        if self._journal is not None:
            taken = [self._take_back(raw) for raw in self._journal.replay()]
            if taken:
                log.info("mempool journal read", taken_back=sum(taken), left_out=taken.count(False))
            self._journal.rewrite(item.raw for item in self.pool.transactions())

    def stop(self) -> None:
        self._unsubscribe()
        self._threads.shutdown(wait=True, cancel_futures=True)
        if self._journal is not None:
            try:
                self._journal.rewrite(item.raw for item in self.pool.transactions())
            except OSError as error:
                log.warning("mempool journal not written", reason=str(error))
            self._journal.close()

    # -- reading

    def transaction(self, transaction_hash: Hash32) -> Transaction | None:
        return self._decoded.get(transaction_hash) if transaction_hash in self.pool else None

    def sidecar(self, transaction_hash: Hash32) -> Sidecar | None:
        """The blobs of a pooled transaction."""
        return self._sidecars.get(transaction_hash)

    def next_nonce(self, sender: Address) -> int:
        return self.pool.next_nonce(sender)

    def decoded(self, item: PooledTransaction) -> Transaction:
        return self._decoded[item.hash]

    def best(self, base_fee_wei: int, most: int) -> list[Transaction]:
        """What the next block would take first, in its order."""
        candidates = Candidates(self.pool.ready(), base_fee_wei)
        chosen: list[Transaction] = []
        while len(chosen) < most and (item := candidates.next()) is not None:
            chosen.append(self._decoded[item.hash])
            candidates.advance(item.sender)
        return chosen

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """For other threads: run `question` on the event loop and wait for what it returns."""
        loop = self._loop
        if loop is None:
            raise RuntimeError("the pool service is not started")

        async def on_loop() -> Answer:
            return question()

        return asyncio.run_coroutine_threadsafe(on_loop(), loop).result(ASK_TIMEOUT_S)

    # -- adding

    async def prepare(self, raws: Sequence[bytes]) -> None:
        """Decode transactions that are about to be submitted together, on as many threads as help."""
        loop = asyncio.get_running_loop()
        raws = [raw for raw in raws if len(raw) <= MOST_PREPARED_BYTES]
        parts = [raws[start::DECODING_THREADS] for start in range(DECODING_THREADS)]
        found = [loop.run_in_executor(self._threads, self._decode_all, part) for part in parts if part]
        if len(self._prepared) > MOST_PREPARED:
            self._prepared.clear()
        for decoded in await asyncio.gather(*found):
            self._prepared.update(decoded)

    def _decode_all(self, raws: Sequence[bytes]) -> dict[bytes, Decoded]:
        """Without those that `submit` will refuse."""
        found: dict[bytes, Decoded] = {}
        for raw in raws:
            with contextlib.suppress(UserError):
                found[raw] = self._decode(raw)
        return found

    async def _decoded_for(self, raw: bytes) -> Decoded:
        prepared = self._prepared.pop(raw, None)
        if prepared is not None:
            return prepared
        if len(raw) <= SMALL_BYTES:
            return self._decode(raw)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._decode, raw)

    async def submit(self, raw: bytes) -> Hash32:
        """Take a raw transaction into the pool. Raises AdmissionError or TransactionError."""
        transaction, sidecar, item = await self._decoded_for(raw)
        self._add(transaction, item)
        if sidecar is not None:
            self._sidecars[transaction.hash] = sidecar
        elif self._journal is not None:
            self._write_journal(self._journal, raw)
        self._feeds.pending_added(transaction)
        return transaction.hash

    def _decode(self, raw: bytes) -> Decoded:
        transaction, sidecar = self._chain.engine.decode_pooled(raw)
        item = pooled(transaction, self._chain.spec)
        self._view.l1_data_fee_wei(raw)
        return transaction, sidecar, item

    def _add(self, transaction: Transaction, item: PooledTransaction) -> None:
        added = self.pool.add(item, self._clock.now_s())
        self._decoded[item.hash] = transaction
        for gone in added.removed:
            self._decoded.pop(gone.hash, None)
            self._sidecars.pop(gone.hash, None)

    def _write_journal(self, journal: Journal, raw: bytes) -> None:
        """On a disk that takes no more the pool goes on without: the chain will stop the node, if it must."""
        try:
            journal.append([raw])
            if journal.grown_bytes() > JOURNAL_REWRITE_BYTES:
                journal.rewrite(item.raw for item in self.pool.transactions())
        except OSError as error:
            log.warning("mempool journal not written", reason=str(error))

    def _take_back(self, raw: bytes) -> bool:
        """Add a transaction nobody waits for an answer about; false for one that is no longer valid."""
        try:
            transaction, _, item = self._decode(raw)
            self._add(transaction, item)
        except (AdmissionError, UserError) as error:
            log.debug("transaction not taken back", reason=str(error))
            return False
        return True

    def drop(self, transaction_hash: Hash32) -> bool:
        """Take a transaction out of the pool; those of its sender that follow wait for its nonce."""
        self._decoded.pop(transaction_hash, None)
        self._sidecars.pop(transaction_hash, None)
        return self.pool.remove(transaction_hash) is not None

    # -- following the chain

    def _head_changed(self, change: HeadChange) -> None:
        self._view.move_to_head()
        senders = {transaction.sender for block in change.added for transaction in block.transactions}
        for gone in self.pool.on_new_head(self._clock.now_s(), None if change.removed else senders):
            self._decoded.pop(gone.hash, None)
            self._sidecars.pop(gone.hash, None)
        added = {transaction.hash for block in change.added for transaction in block.transactions}
        for block in reversed(change.removed):
            for transaction in block.transactions:
                if transaction.type != DEPOSIT_TYPE and transaction.hash not in added:
                    self._take_back(transaction.raw)
        if len(self._decoded) > len(self.pool) + DROPPED_UNSEEN:  # the builder drops some itself
            self._decoded = {item: known for item, known in self._decoded.items() if item in self.pool}
            self._sidecars = {item: known for item, known in self._sidecars.items() if item in self.pool}
        self._feeds.head_changed(change)
