"""anvil behind the test machine's interface: any sender, free gas, a block for each transaction."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import requests

from genesis.types import Address, Hash32
from openledger_node.l1.checks import check_header
from openledger_node.l1.decoding import block, receipt
from openledger_node.node.preflight import free_port
from rollup_bridge.deploy import contract_address
from rollup_bridge.ports import L1Block, L1Receipt
from tests.clients.programs import START_PATIENCE_S, foundry
from tests.contracts.machine import GAS, START_S, Log, Machine, Outcome

_HOST = "127.0.0.1"
_FREE = ["--gas-price", "0", "--base-fee", "0", "--disable-min-priority-fee", "--auto-impersonate"]


class AnvilMachine(Machine):
    """A machine that is an anvil; made by `running_anvil`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self.state = self
        self._is_reading = False

    def ask(self, method: str, *parameters: Any) -> Any:
        """A JSON-RPC result. Raises `AnvilError`."""
        body: Any = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        answer = self._session.post(self.url, json=body, timeout=30).json()
        if "error" in answer:
            raise AnvilError(answer["error"])
        return answer["result"]

    def get_nonce(self, account: Address) -> int:
        return int(self.ask("eth_getTransactionCount", _hex(account), "latest"), 16)

    @property
    def now_s(self) -> int:
        return self.l1_block(None).timestamp_s + 1

    @property
    def block_number(self) -> int:
        """Of the block to come."""
        return int(self.ask("eth_blockNumber"), 16) + 1

    def advance(self, seconds: int, blocks: int = 1) -> None:
        if seconds > blocks:
            self.ask("evm_setNextBlockTimestamp", self.now_s + seconds - blocks)
        for _ in range(blocks):
            self.ask("evm_mine")

    def l1_block(self, number: int | None) -> L1Block:
        """The block at a height, or the head."""
        return block(self.ask("eth_getBlockByNumber", _tag(number), False))

    def header_rlp(self, number: int) -> bytes:
        return check_header(self.ask("eth_getBlockByNumber", _tag(number), False))

    def receipts(self, block_hash: Hash32) -> tuple[L1Receipt, ...]:
        return tuple(map(receipt, self.ask("eth_getBlockReceipts", _hex(block_hash))))

    @contextlib.contextmanager
    def rolled_back(self) -> Iterator[None]:
        """Inside, transactions are calls."""
        before, self._is_reading = self._is_reading, True
        try:
            yield
        finally:
            self._is_reading = before

    def transact(
        self,
        sender: Address,
        to: Address | None,
        data: bytes = b"",
        value: int = 0,
        *,
        gas: int = GAS,
        origin: Address | None = None,
    ) -> Outcome:
        """See `Machine.transact`; no call by a contract here."""
        assert origin is None
        fields = {"from": _hex(sender), "data": _hex(data), "gas": hex(gas), "gasPrice": "0x0"}
        fields |= {"to": _hex(to)} if to is not None else {}
        if self._is_reading:
            return self._call(fields)
        nonce = self.get_nonce(sender)
        sent = self.ask("eth_sendTransaction", fields)
        mined = self._mined(sent)
        logs = tuple(
            Log(_address(log["address"]), tuple(map(_bytes, log["topics"])), _bytes(log["data"]))
            for log in mined["logs"]
        )
        created = contract_address(sender, nonce) if to is None else None
        return Outcome(mined["status"] == "0x1", b"", logs, int(mined["gasUsed"], 16), created)

    def _mined(self, transaction_hash: str) -> Any:
        deadline = time.monotonic() + START_PATIENCE_S
        while (found := self.ask("eth_getTransactionReceipt", transaction_hash)) is None:
            assert time.monotonic() < deadline, "not mined"
            time.sleep(0.005)
        return found

    def _call(self, fields: dict[str, str]) -> Outcome:
        try:
            return Outcome(True, _bytes(self.ask("eth_call", fields, "latest")), (), 0)
        except AnvilError as error:
            data = error.args[0].get("data")
            return Outcome(False, _bytes(data) if isinstance(data, str) else b"", (), 0)


class AnvilError(Exception):
    """A JSON-RPC error object."""


@contextlib.contextmanager
def running_anvil() -> Iterator[AnvilMachine]:
    """An anvil of its own, whose blocks are a second apart."""
    port = free_port(_HOST)
    command = [foundry("anvil"), "--port", str(port), "--silent", "--timestamp", str(START_S), *_FREE]
    with subprocess.Popen(command) as process:
        try:
            machine = AnvilMachine(f"http://{_HOST}:{port}")
            _await(machine)
            machine.ask("anvil_setBlockTimestampInterval", 1)
            yield machine
        finally:
            process.terminate()


def _await(machine: AnvilMachine) -> None:
    deadline = time.monotonic() + START_PATIENCE_S
    while True:
        try:
            machine.ask("eth_chainId")
        except requests.ConnectionError:
            assert time.monotonic() < deadline, "anvil did not start"
            time.sleep(0.05)
        else:
            return


def _tag(number: int | None) -> str:
    return "latest" if number is None else hex(number)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _address(text: str) -> Address:
    return Address(_bytes(text))
