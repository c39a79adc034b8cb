"""How fast the node is from the outside, beside anvil: both take everything, then mine it in one block.

    OMP_NUM_THREADS=1 python -m benchmarks.execution.over_rpc [--transactions 3000] [--rounds 3]

Transactions go in by `eth_sendRawTransaction` in batches of 100 over one connection, one batch after another;
then `evm_mine`; the clock stops when the receipt of every sender's last transaction has been read. Signing is
not counted; sending shares the machine with the node. Loops are ten transactions of a million gas. Reads are
batches of 100 `eth_call` (`balanceOf`), and `eth_getLogs` for one recipient and for everything.

The subjects take turns in every round, on the machine at the same time but one at work; figures are medians.
CPU milliseconds are those of the subject's process, which a busy machine changes less than the clock.
"""

import argparse
import contextlib
import os
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.execution.transfers import BATCH, Connection, plain_ethereum
from benchmarks.execution.workload import (
    ACCOUNTS,
    TOKEN,
    TOKEN_TRANSFER_GAS_LIMIT,
    WORKLOADS,
    contracts,
    machine,
    recipient,
)
from genesis.keccak import keccak256
from genesis.spec import DEV_L1_CHAIN_ID
from tests.clients.programs import anvil

LOOP_TRANSACTIONS = 10
CALLS = 1_000
LOG_QUERIES = 100
BALANCE_OF = keccak256(b"balanceOf(address)")[:4]
TRANSFERRED = "0x" + keccak256(b"Transfer(address,address,uint256)").hex()
OURS, PEER = "ours", "anvil"


@dataclass
class Subject:
    """A running node. Results by name: rates per second, and CPU seconds per unit."""

    connection: Connection
    process: int
    nonce: int = 0
    rates: dict[str, list[float]] = field(default_factory=dict)
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)

    def call(self, method: str, *parameters: Any) -> Any:
        return self.connection.batch(method, [list(parameters)])[0]

    def timed(self, name: str, units: float, work: Callable[[], None]) -> None:
        cpu_before_s, started_s = self._cpu_s(), time.monotonic()
        work()
        self.rates.setdefault(name, []).append(units / (time.monotonic() - started_s))
        self.cpu_ms.setdefault(name, []).append((self._cpu_s() - cpu_before_s) / units * 1_000)

    def _cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def prepare(self) -> None:
        """Put the contracts where the workloads expect them."""
        for address, account in contracts().items():
            self.call("anvil_setCode", _hex(address), _hex(account.code))
            for slot, value in account.storage.items():
                self.call("anvil_setStorageAt", _hex(address), f"0x{slot:064x}", f"0x{value:064x}")
        self.call("evm_mine")

    def send(self, name: str, count: int) -> None:
        raws = ["0x" + raw.hex() for raw in WORKLOADS[name].make(DEV_L1_CHAIN_ID, count, self.nonce)]
        self.nonce += count // len(ACCOUNTS)
        units = float(count) if WORKLOADS[name].unit == "tx/s" else count * 0.98
        self.timed(name, units, lambda: self._send_and_mine(raws))

    def _send_and_mine(self, raws: list[str]) -> None:
        hashes: list[str] = []
        for begin in range(0, len(raws), BATCH):
            batch = [[raw] for raw in raws[begin : begin + BATCH]]
            hashes += self.connection.batch("eth_sendRawTransaction", batch)
        self.call("evm_mine")
        last = [[item] for item in hashes[-len(ACCOUNTS) :]]
        receipts = self.connection.batch("eth_getTransactionReceipt", last)
        assert all(receipt["status"] == "0x1" for receipt in receipts)

    def read(self) -> None:
        self.timed("eth_call", CALLS, self._calls)
        wide: list[Any] = []
        self.timed("eth_getLogs, one recipient", LOG_QUERIES, self._narrow_logs)
        started_s = time.monotonic()
        wide = self._logs(None)
        self.rates.setdefault("eth_getLogs, logs", []).append(len(wide) / (time.monotonic() - started_s))

    def _calls(self) -> None:
        for begin in range(0, CALLS, BATCH):
            owners = (recipient(index).rjust(32, b"\0") for index in range(begin, begin + BATCH))
            batch = [[{"to": _hex(TOKEN), "data": _hex(BALANCE_OF + owner)}, "latest"] for owner in owners]
            self.connection.batch("eth_call", batch)

    def _narrow_logs(self) -> None:
        for index in range(LOG_QUERIES):
            assert self._logs("0x" + recipient(index).rjust(32, b"\0").hex())

    def _logs(self, to: str | None) -> list[Any]:
        query = {"fromBlock": "0x0", "toBlock": "latest", "address": _hex(TOKEN)}
        return list(self.call("eth_getLogs", query | {"topics": [TRANSFERRED, None, to]}))


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def _process_of(url: str) -> int:
    """The child that listens at the URL."""
    port = url.rsplit(":", 1)[1].strip("/")
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[1]
            if parent == str(os.getpid()) and port.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                return int(folder.name)
    raise AssertionError(f"no child listens at {url}")


@contextlib.contextmanager
def subjects(count: int) -> Iterator[dict[str, Subject]]:
    """Both nodes, with room for all in one block."""
    limit = str(TOKEN_TRANSFER_GAS_LIMIT * (count + 1))
    with (
        plain_ethereum("--gas-limit", limit, "--l1.block-time", "60") as our_url,
        anvil("--no-mining", "--gas-limit", limit) as peer_url,
    ):
        found = {
            name: Subject(Connection(url), _process_of(url))
            for name, url in ((OURS, our_url), (PEER, peer_url))
        }
        for subject in found.values():
            subject.prepare()
        yield found


def measure(count: int, rounds: int) -> dict[str, Subject]:
    with subjects(count) as found:
        for _ in range(rounds):
            for name, workload in WORKLOADS.items():
                for subject in found.values():
                    subject.send(name, count if workload.unit == "tx/s" else LOOP_TRANSACTIONS)
            for subject in found.values():
                subject.read()
    return found


def report(count: int, rounds: int) -> None:
    found = measure(count, rounds)
    print(
        "From the outside, `eth_sendRawTransaction` to receipt, mined in one block; per second by the clock\n"
    )
    print(
        "| what | ours | anvil | ours / anvil | CPU ms: ours | anvil |\n| --- | --: | --: | --: | --: | --: |"
    )
    units = {name: workload.unit for name, workload in WORKLOADS.items()}
    for name in found[OURS].rates:
        rates = {subject: statistics.median(found[subject].rates[name]) for subject in (OURS, PEER)}
        cpu = [
            statistics.median(found[subject].cpu_ms[name]) if name in found[subject].cpu_ms else None
            for subject in (OURS, PEER)
        ]
        shown = " | ".join("" if value is None else f"{value:.3f}" for value in cpu)
        print(
            f"| {name}, {units.get(name, '1/s')} | {rates[OURS]:.0f} | {rates[PEER]:.0f} "
            f"| {rates[OURS] / rates[PEER]:.2f} | {shown} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--transactions", type=int, default=3_000, help="a round, a multiple of 100")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(f"command: python -m benchmarks.execution.over_rpc {shlex.join(sys.argv[1:])}")
    print(f"machine: {machine()}\n")
    report(arguments.transactions, arguments.rounds)


if __name__ == "__main__":
    main()
