"""How a `state_test` case of ethereum/tests is run: one transaction on a given state."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from genesis.account import GenesisAccount
from genesis.forks import BLOB_RULES, Fork
from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.chain.genesis import materialise
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.context import BlockContext, machine
from openledger_node.evm.errors import TransactionError
from openledger_node.evm.node_store import NodeStore
from openledger_node.evm.receipts import log_item
from openledger_node.evm.records import Header, Log
from openledger_node.evm.rlp_codec import encode
from openledger_node.evm.transaction_processing import effective_gas_price, process_transaction
from openledger_node.evm.transactions import decode_transaction
from openledger_node.evm.validity import Room, check_transaction
from openledger_node.storage.keyvalue import MemoryKeyValue

CHAIN_ID = 1


def number(text: str) -> int:
    return int(text, 16) if text not in ("", "0x") else 0


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def allocation(pre: dict[str, Any]) -> dict[Address, GenesisAccount]:
    return {
        Address(raw(address)): GenesisAccount(
            balance_wei=number(account["balance"]),
            nonce=number(account["nonce"]),
            code=raw(account["code"]),
            storage={number(slot): number(value) for slot, value in account["storage"].items()},
        )
        for address, account in pre.items()
    }


class _FakeAncestors:
    """State tests define BLOCKHASH of any ancestor as the hash of its decimal number."""

    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        return None


@dataclass(frozen=True)
class StateCase:
    name: str
    fixture: dict[str, Any]
    post: dict[str, Any]
    fork: Fork

    def failure(self) -> str | None:
        """Why the case fails, or None."""
        store = MemoryKeyValue()
        root, writes = materialise(allocation(self.fixture["pre"]))
        store.write(writes)
        accounts = AccountState(NodeStore(store), root)
        logs: tuple[Log, ...] = ()
        refused = False
        try:
            logs = self._run(accounts)
        except TransactionError:
            refused = True
        if refused != ("expectException" in self.post):
            return "the transaction was refused" if refused else "the transaction was not refused"
        if keccak256(encode([log_item(log) for log in logs])) != raw(self.post["logs"]):
            return "logs differ"
        found = accounts.make_root({}, {})
        return None if found == raw(self.post["hash"]) else f"state root is 0x{found.hex()}"

    def _run(self, accounts: AccountState) -> tuple[Log, ...]:
        context = self._context()
        state = machine(accounts, context, _FakeAncestors(), {})
        transaction = decode_transaction(raw(self.post["txbytes"]), CHAIN_ID)
        check_transaction(
            transaction,
            accounts,
            context,
            Room(context.gas_limit, BLOB_RULES[self.fork].maximum_gas),
            is_rollup=False,
            l1_fee_wei=0,
        )
        price_wei = effective_gas_price(transaction, context.base_fee_wei)
        outcome = process_transaction(state, transaction, price_wei, is_rollup=False, l1_fee=None)
        accounts.end_transaction()
        return outcome.logs

    def _context(self) -> BlockContext:
        env = self.fixture["env"]
        block_number = number(env["currentNumber"])
        return BlockContext(
            chain_id=CHAIN_ID,
            fork=self.fork,
            number=block_number,
            parent_hash=keccak256(str(block_number - 1).encode()),
            timestamp_s=number(env["currentTimestamp"]),
            coinbase=Address(raw(env["currentCoinbase"])),
            gas_limit=number(env["currentGasLimit"]),
            base_fee_wei=number(env["currentBaseFee"]),
            prev_randao=Hash32(raw(env["currentRandom"])),
            excess_blob_gas=number(env.get("currentExcessBlobGas", "0x0")),
        )


def state_cases(fixtures: dict[str, Any], fork_name: str, fork: Fork) -> Iterator[StateCase]:
    """Cases of one file for one fork."""
    for name, fixture in fixtures.items():
        for post in fixture["post"].get(fork_name, ()):
            indexes = post["indexes"]
            label = f"{name}/d{indexes['data']}g{indexes['gas']}v{indexes['value']}"
            yield StateCase(label, fixture, post, fork)
