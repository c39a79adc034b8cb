"""Answers cases with ethereum/execution-specs; runs in an environment of its own and imports nothing of ours.

Reads a case as JSON from each line of standard input, writes the answer as a line of JSON.
"""

import json
import sys
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from ethereum.exceptions import EthereumException
from ethereum_rlp import rlp
from ethereum_rlp.exceptions import RLPException
from ethereum_types.bytes import Bytes20, Bytes32
from ethereum_types.numeric import U64, U256, Uint


def fork_modules(name: str) -> SimpleNamespace:
    def module(part: str) -> Any:
        return import_module(f"ethereum.forks.{name}.{part}")

    return SimpleNamespace(
        fork=module("fork"), vm=module("vm"), state=module("state"), types=module("fork_types"),
        transactions=module("transactions"), trie=module("trie"), blocks=module("blocks"),
    )  # fmt: skip


def number(text: str) -> int:
    return int(text, 16)


def make_state(modules: SimpleNamespace, accounts: dict[str, Any]) -> Any:
    state = modules.state.State()
    for address, account in accounts.items():
        where = Bytes20(bytes.fromhex(address))
        modules.state.set_account(
            state,
            where,
            modules.types.Account(
                nonce=Uint(number(account["nonce"])),
                balance=U256(number(account["balance"])),
                code=bytes.fromhex(account["code"]),
            ),
        )
        for slot, value in account["storage"].items():
            key = Bytes32(number(slot).to_bytes(32, "big"))
            modules.state.set_storage(state, where, key, U256(number(value)))
    return state


def decode(modules: SimpleNamespace, raw: bytes) -> Any:
    if raw[0] < 0xC0:
        return modules.transactions.decode_transaction(raw)
    return rlp.decode_to(modules.transactions.LegacyTransaction, raw)


def answer(case: dict[str, Any]) -> dict[str, Any]:
    modules = fork_modules(case["fork"])
    state = make_state(modules, case["accounts"])
    environment = modules.vm.BlockEnvironment(
        chain_id=U64(number(case["chainId"])),
        state=state,
        block_gas_limit=Uint(number(case["gasLimit"])),
        block_hashes=[],
        coinbase=Bytes20(bytes.fromhex(case["coinbase"])),
        number=Uint(number(case["number"])),
        base_fee_per_gas=Uint(number(case["baseFee"])),
        time=U256(number(case["timestamp"])),
        prev_randao=Bytes32(bytes.fromhex(case["prevRandao"])),
        excess_blob_gas=U64(number(case["excessBlobGas"])),
        parent_beacon_block_root=Bytes32(bytes(32)),
    )
    output = modules.vm.BlockOutput()
    results: list[dict[str, Any] | None] = []
    refusals: list[str] = []
    for index, raw in enumerate(case["transactions"]):
        before = int(output.block_gas_used)
        try:
            transaction = decode(modules, bytes.fromhex(raw))
            modules.fork.process_transaction(environment, output, transaction, Uint(index))
        except (EthereumException, RLPException) as error:
            results.append(None)
            refusals.append(repr(error))
            continue
        receipt = modules.trie.trie_get(output.receipts_trie, rlp.encode(Uint(index)))
        receipt = modules.blocks.decode_receipt(receipt)
        results.append(
            {
                "succeeded": bool(receipt.succeeded),
                "gasUsed": int(output.block_gas_used) - before,
                "logs": [
                    [log.address.hex(), [topic.hex() for topic in log.topics], log.data.hex()]
                    for log in receipt.logs
                ],
            }
        )
    root = modules.state.state_root(state)
    return {"transactions": results, "refusals": refusals, "stateRoot": root.hex()}


def main() -> None:
    sys.setrecursionlimit(100_000)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
