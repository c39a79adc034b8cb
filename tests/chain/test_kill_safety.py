"""Whatever moment the process dies at, the store holds the block before or the block after, whole."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from openledger_node.chain.chain import Chain
from openledger_node.evm.records import BlockInputs
from openledger_node.storage.keyvalue import MemoryKeyValue
from openledger_node.storage.leveldb import LevelDb
from tests.evm import world
from tests.evm.world import ALICE, ROLLUP


class _PowerFailureError(Exception):
    pass


class _Failing(MemoryKeyValue):
    """Loses power instead of writing once `writes_left` is used up."""

    writes_left = 10**9

    def write(
        self, puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = (), *, sync: bool = True
    ) -> None:
        if not self.writes_left:
            raise _PowerFailureError
        self.writes_left -= 1
        super().write(puts, deletes, sync=sync)


def test_each_block_and_each_rewind_is_one_write() -> None:
    store = _Failing()
    chain = world.open_chain(store=store)
    for expected in (1, 2):
        store.writes_left = 1
        chain.import_block(world.inputs(chain, ALICE.sign(ROLLUP, nonce=expected - 1)))
        assert store.writes_left == 0
    store.writes_left = 1
    chain.rewind_to(chain.genesis.header.hash)
    assert store.writes_left == 0


def test_power_failure_before_the_write_changes_nothing() -> None:
    store = _Failing()
    chain = world.open_chain(store=store)
    store.writes_left = 0
    with pytest.raises(_PowerFailureError):
        chain.import_block(world.inputs(chain, ALICE.sign(ROLLUP)))
    assert chain.head.header.number == 0
    store.writes_left = 10
    again = world.open_chain(store=store)
    assert again.head.header.number == 0
    again.import_block(world.inputs(again, ALICE.sign(ROLLUP)))


_PROGRAM = """
import sys
from pathlib import Path
from openledger_node.storage.leveldb import LevelDb
from tests.evm import world
chain = world.open_chain(store=LevelDb.open(Path(sys.argv[1])))
while True:
    nonce = chain.snapshot().account(world.ALICE.address).nonce
    chain.import_block(world.inputs(chain, world.ALICE.sign(world.ROLLUP, nonce=nonce)))
    print(chain.head.header.number, flush=True)
"""


@pytest.mark.parametrize("round_", range(2))
def test_a_killed_process_loses_no_block_it_announced(tmp_path: Path, round_: int) -> None:
    random = Random(round_)
    announced = 0
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(tmp_path / "db")], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(random.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        lines = [line for line in process.communicate()[0].splitlines(keepends=True) if line.endswith("\n")]
        announced = max([announced, *(int(line) for line in lines if line.strip())])
    store = LevelDb.open(tmp_path / "db")
    chain = world.open_chain(store=store)
    assert announced <= chain.head.header.number <= announced + 1
    _check_by_executing_again(chain)
    store.close()


def _check_by_executing_again(chain: Chain) -> None:
    fresh = world.open_chain()
    for number in range(1, chain.head.header.number + 1):
        block = chain.block_by_number(number)
        assert block is not None
        header = block.header
        fresh.import_block(
            BlockInputs(
                timestamp_s=header.timestamp_s,
                prev_randao=header.prev_randao,
                fee_recipient=header.coinbase,
                gas_limit=header.gas_limit,
                parent_beacon_block_root=header.parent_beacon_block_root,
                transactions=tuple(transaction.raw for transaction in block.transactions),
            ),
            header.hash,
        )
