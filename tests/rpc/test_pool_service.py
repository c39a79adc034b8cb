import asyncio
import errno
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from eth_account import Account

from genesis.account import GenesisAccount
from openledger_node.chain.chain import Chain
from openledger_node.clock import SystemClock
from openledger_node.evm.errors import TransactionError
from openledger_node.evm.records import Transaction
from openledger_node.rpc.feeds import Feeds
from openledger_node.rpc.pool_service import PoolService
from openledger_node.storage.keyvalue import MemoryKeyValue
from sequencer.errors import AdmissionError
from sequencer.mempool.journal import Journal
from tests.rpc.running_node import GENESIS_TIME_S, KEYS, RICH_WEI, SPEC, address_of

KEY = KEYS[0]


def raw(nonce: int, *, tip: int = 10**9, chain_id: int = SPEC.chain_id) -> bytes:
    fields = {
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "to": address_of(KEYS[1]),
        "value": 1,
        "gas": 21_000,
        "maxFeePerGas": 10**10 + tip,
        "maxPriorityFeePerGas": tip,
    }
    return bytes(Account.from_key(KEY).sign_transaction(fields).raw_transaction)


@pytest.fixture
def chain() -> Chain:
    alloc = {address_of(key): GenesisAccount(balance_wei=RICH_WEI) for key in KEYS}
    return Chain.open(SPEC, MemoryKeyValue(), alloc, GENESIS_TIME_S)


@asynccontextmanager
async def started(chain: Chain, path: Path, feeds: Feeds | None = None) -> AsyncIterator[PoolService]:
    service = PoolService(chain, SystemClock(), feeds or Feeds(), journal=Journal(path))
    service.start()
    yield service
    service.stop()


async def test_waiting_transactions_survive_a_restart(chain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    async with started(chain, path) as service:
        hashes = {await service.submit(raw(nonce)) for nonce in (0, 1, 5)}
    async with started(chain, path) as again:
        assert {item.hash for item in again.pool.transactions()} == hashes
        assert again.next_nonce(address_of(KEY)) == 2


async def test_a_killed_node_keeps_them_too(chain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    killed = PoolService(chain, SystemClock(), Feeds(), journal=Journal(path))
    killed.start()
    await killed.submit(raw(0))
    async with started(chain, path) as again:
        assert len(again.pool) == 1


class FullDisk(Journal):
    """A journal on a disk that takes nothing more once it is open."""

    is_full = False

    def append(self, raws: Iterable[bytes]) -> None:
        self._refuse()
        super().append(raws)

    def rewrite(self, raws: Iterable[bytes]) -> None:
        self._refuse()
        super().rewrite(raws)

    def _refuse(self) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_full_disk_takes_the_journal_and_not_the_pool(chain: Chain, tmp_path: Path) -> None:
    journal = FullDisk(tmp_path / "journal")
    service = PoolService(chain, SystemClock(), Feeds(), journal=journal)
    service.start()
    journal.is_full = True
    await service.submit(raw(0))
    assert len(service.pool) == 1
    service.stop()


async def test_refusals_change_nothing(chain: Chain, tmp_path: Path) -> None:
    async with started(chain, tmp_path / "journal") as service:
        await service.submit(raw(0))
        with pytest.raises(AdmissionError, match="already known"):
            await service.submit(raw(0))
        with pytest.raises(TransactionError, match="chain id"):
            await service.submit(raw(1, chain_id=5))
        assert len(service.pool) == 1


async def test_listeners_hear_of_each_accepted_one(chain: Chain, tmp_path: Path) -> None:
    heard: list[Transaction] = []
    feeds = Feeds()
    feeds.on_pending(heard.append)
    async with started(chain, tmp_path / "journal", feeds) as service:
        first = await service.submit(raw(0))
        with pytest.raises(AdmissionError):
            await service.submit(raw(0))
        second = await service.submit(raw(0, tip=2 * 10**9 * 10))
    assert [item.hash for item in heard] == [first, second]
    assert service.transaction(first) is None


async def test_questions_from_other_threads(chain: Chain, tmp_path: Path) -> None:
    async with started(chain, tmp_path / "journal") as service:
        await service.submit(raw(0))
        answer = await asyncio.to_thread(service.ask, lambda: service.best(base_fee_wei=0, most=5))
        assert [item.nonce for item in answer] == [0]


async def test_a_batch_is_decoded_beforehand_and_refused_as_ever(chain: Chain, tmp_path: Path) -> None:
    async with started(chain, tmp_path / "journal") as service:
        raws = [raw(0), raw(1), raw(2, chain_id=1), b"\x02junk", raw(3) + bytes(5_000)]
        await service.prepare(raws)
        for good in raws[:2]:
            await service.submit(good)
        for bad in raws[2:]:
            with pytest.raises(TransactionError):
                await service.submit(bad)
        assert service.next_nonce(address_of(KEY)) == 2
        await service.prepare([])
