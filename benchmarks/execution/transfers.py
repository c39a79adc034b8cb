"""Transfers per second from `eth_sendRawTransaction` to mined, on our dev network beside anvil.

    OMP_NUM_THREADS=1 python -m benchmarks.execution.transfers [--transfers 3000] [--rounds 3]

Batches of 100 requests over one connection, one after another; the clock runs from the first byte of the
first batch until every sender's nonce at `latest` shows all transfers mined. Signing is not counted; sending
shares the machine with the node. One subject runs at a time; its figure is the median round.

CPU milliseconds are those of all the subject's processes in that time, which a busy machine does not change.

- `dev`: our whole dev network (sequencer, embedded L1, batcher, proposer, verifier, validator, worker) at its
  defaults: a block a second of 30 Mgas, so 1,428 transfers a second at most.
- `ethereum`: our node alone, as a plain chain of the same block time and gas limit.
- `anvil, same blocks`: with our block time and gas limit.
- `anvil, one block`: the peer of the column "of anvil". It mines once, when everything is sent, without a
  limit. (Mining on arrival, its default, lost transactions of such batches.)
"""

import argparse
import contextlib
import http.client
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.execution.workload import TRANSFER_GAS, machine, transfers
from genesis.networks import DEV_ACCOUNT_COUNT, L2_BLOCK_GAS_LIMIT
from genesis.spec import DEV_L1_CHAIN_ID, DEV_L2_CHAIN_ID
from openledger_node.client.account import dev_account
from openledger_node.node.preflight import free_port
from tests.clients.programs import anvil, wait_for_rpc
from tests.integration.network import DevNode

BATCH = 100
POLL_S = 0.02
PATIENCE_S = 300.0
BLOCK_TIME_S = 1
PEER = "anvil, one block"


class Connection:
    """JSON-RPC batches over one kept-alive HTTP connection."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)

    def batch(self, method: str, parameters: list[list[Any]]) -> list[Any]:
        """The results in order; fails on the first error."""
        requests = [
            {"jsonrpc": "2.0", "id": i, "method": method, "params": values}
            for i, values in enumerate(parameters)
        ]
        self._connection.request("POST", "/", json.dumps(requests), {"content-type": "application/json"})
        answers = json.loads(self._connection.getresponse().read())
        by_id = {answer["id"]: answer for answer in answers}
        if failed := [answer for answer in answers if "error" in answer]:
            raise AssertionError(failed[0]["error"])
        return [by_id[i]["result"] for i in range(len(requests))]


@dataclass
class Subject:
    """A running node; `rates` (transfers per second) and `cpu_ms` (per transfer) have one entry a round."""

    name: str
    chain_id: int
    mines_when_asked: bool = False
    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def run(self, url: str, count: int) -> None:
        """One round. The accounts' nonces must be equal, which they are while only rounds use them."""
        connection = Connection(url)
        addresses = ["0x" + dev_account(i).address.hex() for i in range(DEV_ACCOUNT_COUNT)]
        nonces = {
            int(n, 16)
            for n in connection.batch("eth_getTransactionCount", [[a, "latest"] for a in addresses])
        }
        [first] = nonces
        raws = ["0x" + raw.hex() for raw in transfers(self.chain_id, count, first)]
        last = first + count // DEV_ACCOUNT_COUNT
        cpu_before_s, started_s = cpu_s(), time.monotonic()
        for begin in range(0, count, BATCH):
            connection.batch("eth_sendRawTransaction", [[raw] for raw in raws[begin : begin + BATCH]])
        if self.mines_when_asked:
            connection.batch("evm_mine", [[]])
        while {
            int(n, 16)
            for n in connection.batch("eth_getTransactionCount", [[a, "latest"] for a in addresses])
        } != {last}:
            assert time.monotonic() - started_s < PATIENCE_S, f"{self.name}: not mined"
            time.sleep(POLL_S)
        self.rates.append(count / (time.monotonic() - started_s))
        self.cpu_ms.append((cpu_s() - cpu_before_s) / count * 1_000)


def cpu_s() -> float:
    """Processor time of this process's descendants that are alive, in seconds."""
    total, parents = 0.0, {os.getpid()}
    for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has just ended
        if int(fields[1]) in parents:
            parents.add(int(folder.name))
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


@contextlib.contextmanager
def dev_network() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        node = DevNode(Path(directory) / "dev", "--block-time", str(BLOCK_TIME_S))
        try:
            yield node.start().url("rpc")
        finally:
            node.close()


@contextlib.contextmanager
def plain_ethereum(*arguments: str) -> Iterator[str]:
    port = free_port("127.0.0.1")
    command = [sys.executable, "-m", "openledger_node", "ethereum", "--dev", "--http.port", str(port)]
    command += arguments or ("--l1.block-time", str(BLOCK_TIME_S))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for_rpc(url)
            yield url
        finally:
            process.terminate()


def measure(count: int, rounds: int) -> list[Subject]:
    """All subjects, each alone on the machine for all its rounds."""
    same_blocks = ("--block-time", str(BLOCK_TIME_S), "--gas-limit", str(L2_BLOCK_GAS_LIMIT))
    one_block = ("--no-mining", "--gas-limit", str(TRANSFER_GAS * (count + 1)))
    makers: list[tuple[Subject, Callable[[], AbstractContextManager[str]]]] = [
        (Subject("dev", DEV_L2_CHAIN_ID), dev_network),
        (Subject("ethereum", DEV_L1_CHAIN_ID), plain_ethereum),
        (Subject("anvil, same blocks", DEV_L1_CHAIN_ID), lambda: anvil(*same_blocks)),
        (Subject(PEER, DEV_L1_CHAIN_ID, mines_when_asked=True), lambda: anvil(*one_block)),
    ]
    for subject, make in makers:
        with make() as url:
            for _ in range(rounds):
                subject.run(url, count)
    return [subject for subject, _ in makers]


def report(count: int, rounds: int) -> None:
    subjects = measure(count, rounds)
    peer = statistics.median(next(subject for subject in subjects if subject.name == PEER).rates)
    print("Transfers to mined, a block a second of 30 Mgas; all processes of the subject\n")
    print("| subject | transfers/s, median | rounds | of anvil | CPU ms a transfer |")
    print("| --- | --: | --- | --: | --: |")
    for subject in subjects:
        rate, cpu_ms = statistics.median(subject.rates), statistics.median(subject.cpu_ms)
        shown = ", ".join(f"{item:.0f}" for item in subject.rates)
        print(f"| {subject.name} | {rate:.0f} | {shown} | {rate / peer:.3f} | {cpu_ms:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--transfers", type=int, default=3_000, help="per round, a multiple of 100")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(f"command: python -m benchmarks.execution.transfers {shlex.join(sys.argv[1:])}")
    print(f"machine: {machine()}\n")
    report(arguments.transfers, arguments.rounds)


if __name__ == "__main__":
    main()
