"""What every subject of the execution benchmarks gets: plain transfers, signed beforehand."""

import platform
from pathlib import Path

from genesis.keccak import keccak256
from genesis.networks import DEV_ACCOUNT_COUNT
from genesis.types import Address
from openledger_node.client.account import TransactionFields, dev_account

GWEI = 10**9
TRANSFER_GAS = 21_000
RECIPIENTS = 1_000
MAXIMUM_FEE_WEI = 1_000 * GWEI
"""Enough for many full blocks in a row, each of which may raise the base fee by an eighth."""


def transfers(chain_id: int, count: int, first_nonces: int, value_wei: int = 1) -> list[bytes]:
    """`count` type-2 transfers from the ten published accounts in turn, to 1,000 recipients.

    Every account's nonces begin at `first_nonces`; `count` is a multiple of ten.
    """
    return [
        dev_account(index % DEV_ACCOUNT_COUNT).sign_transaction(
            TransactionFields(
                chain_id=chain_id,
                nonce=first_nonces + index // DEV_ACCOUNT_COUNT,
                to=Address(keccak256((index % RECIPIENTS).to_bytes(4))[12:]),
                value_wei=value_wei,
                data=b"",
                gas=TRANSFER_GAS,
                max_fee_wei=MAXIMUM_FEE_WEI,
                max_priority_fee_wei=GWEI,
            )
        )
        for index in range(count)
    ]


def machine() -> str:
    """The processor, how many of it, and the interpreter."""
    cpu_info = Path("/proc/cpuinfo")
    lines = cpu_info.read_text().splitlines() if cpu_info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    cpu = f"{len(models)} x {models[0]}" if models else platform.machine()
    return f"{cpu}, {platform.python_implementation()} {platform.python_version()}"
