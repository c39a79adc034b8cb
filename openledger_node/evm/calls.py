"""What a message would do: calls and gas estimates on a state that they do not change.

Covered: free gas, a limit on wall-clock time that the caller chooses.
Source: geth `eth_call`, `eth_estimateGas`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from genesis.forks import TRANSACTION_GAS_CAP, Fork
from genesis.types import ZERO_HASH, Hash32
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.block_building import Rules
from openledger_node.evm.context import BlockContext, machine
from openledger_node.evm.errors import CallError, CallTimeoutError, TransactionError
from openledger_node.evm.halts import REVERTED
from openledger_node.evm.old_forks import open_accounts
from openledger_node.evm.overrides import Overrides, apply_overrides, override_precompiles
from openledger_node.evm.records import (
    BlockOverride,
    CallRequest,
    CallResult,
    Header,
    Transaction,
)
from openledger_node.evm.tracers.base import Recorder
from openledger_node.evm.transaction_processing import process_transaction
from openledger_node.evm.transactions import BLOB, DYNAMIC_FEE
from openledger_node.evm.validity import blob_gas, check_blob_hashes, check_gas, least_gas, needed_gas
from openledger_node.evm.vm import ExecutionTimeoutError

_TRANSFER_GAS = 21_000
_CALL_STIPEND = 2_300


@dataclass(frozen=True, slots=True)
class CallSite:
    """Where calls run: a state and the header whose context they see."""

    rules: Rules
    fork: Fork
    header: Header
    state_root: Hash32


def call_context(site: CallSite, override: BlockOverride | None) -> BlockContext:
    """The header's own context (not the next block's), with the override's fields in place."""
    header = site.header
    context = BlockContext(
        chain_id=site.rules.spec.chain_id,
        fork=site.fork,
        number=header.number,
        parent_hash=header.parent_hash,
        timestamp_s=header.timestamp_s,
        coinbase=header.coinbase,
        gas_limit=header.gas_limit,
        base_fee_wei=header.base_fee_wei,
        prev_randao=header.prev_randao,
        excess_blob_gas=header.excess_blob_gas,
        difficulty=header.difficulty,
    )
    if override is None:
        return context
    changes = {
        "number": override.number,
        "timestamp_s": override.timestamp_s,
        "gas_limit": override.gas_limit,
        "coinbase": override.fee_recipient,
        "prev_randao": override.prev_randao,
        "base_fee_wei": override.base_fee_wei,
    }
    return replace(context, **{name: value for name, value in changes.items() if value is not None})  # type: ignore[arg-type]  # each field has its own type


def run_call(
    site: CallSite,
    request: CallRequest,
    overrides: Overrides | None,
    block: BlockOverride | None,
    *,
    time_limit_s: float | None = None,
    recorder: Recorder | None = None,
) -> CallResult:
    """Raises `CallError` if the message cannot start, or past the time limit."""
    accounts = open_accounts(site.rules.nodes, site.state_root, site.fork)
    apply_overrides(accounts, overrides or {})
    context = call_context(site, block)
    if request.gas_price_wei is None:
        context = replace(context, base_fee_wei=0)
    blob_base_fee_wei = None if block is None else block.blob_base_fee_wei
    if request.blob_hashes and not request.max_blob_fee_wei:
        blob_base_fee_wei = 0
    state = machine(accounts, context, site.rules.headers, site.rules.natives, blob_base_fee_wei)
    override_precompiles(state, overrides or {})
    state.deadline_s = None if time_limit_s is None else time.monotonic() + time_limit_s
    transaction = _as_transaction(request, accounts.get_nonce(request.sender))
    _check(request, transaction, accounts, context)
    if recorder is not None:
        recorder.start(state, transaction)
    try:
        outcome = process_transaction(
            state, transaction, request.gas_price_wei or 0, is_rollup=site.rules.spec.is_rollup, l1_fee=None
        )
    except ExecutionTimeoutError as error:
        raise CallTimeoutError(error.cause) from None
    if recorder is not None:
        recorder.finish(state, outcome)
    return CallResult(outcome.output, outcome.gas_used, outcome.error, outcome.logs)


def _as_transaction(request: CallRequest, nonce: int) -> Transaction:
    price = request.gas_price_wei or 0
    return Transaction(
        type=BLOB if request.blob_hashes else DYNAMIC_FEE,
        hash=ZERO_HASH,
        raw=b"",
        sender=request.sender,
        to=request.to,
        nonce=nonce,
        gas=request.gas,
        value_wei=request.value_wei,
        data=request.data,
        chain_id=None,
        max_fee_wei=price,
        max_priority_fee_wei=price,
        v=0,
        r=0,
        s=0,
        access_list=request.access_list,
        max_blob_fee_wei=request.max_blob_fee_wei,
        blob_hashes=request.blob_hashes,
        authorizations=request.authorizations,
    )


def _check(
    request: CallRequest, transaction: Transaction, accounts: AccountState, context: BlockContext
) -> None:
    price = transaction.max_fee_wei
    if request.gas_price_wei is not None and price < context.base_fee_wei:
        raise CallError(
            f"max fee per gas less than block base fee: address 0x{request.sender.hex()}, "
            f"maxFeePerGas: {price}, baseFee: {context.base_fee_wei}"
        )
    have, want = accounts.get_balance(request.sender), request.gas * price + request.value_wei
    want += blob_gas(transaction) * request.max_blob_fee_wei
    if have < want:
        raise CallError(
            "insufficient funds for gas * price + value: "
            f"address 0x{request.sender.hex()} have {have} want {want}"
        )
    try:
        if transaction.type == BLOB:
            check_blob_hashes(transaction)
        check_gas(transaction, context.fork)
    except TransactionError as error:
        raise CallError(f"err: {error.cause} (supplied gas {request.gas})") from None


def estimate_gas(
    site: CallSite,
    request: CallRequest,
    overrides: Overrides | None,
    block: BlockOverride | None,
    *,
    time_limit_s: float | None = None,
) -> int:
    """Least gas limit, at most `request.gas`, with which the message succeeds. Raises `CallError`; a revert
    carries its data."""
    give_up_s = None if time_limit_s is None else time.monotonic() + time_limit_s

    def run(gas: int) -> CallResult:
        left_s = None if give_up_s is None else max(give_up_s - time.monotonic(), 0.0)
        return run_call(site, replace(request, gas=gas), overrides, block, time_limit_s=left_s)

    most = _affordable_gas(site, request, overrides)
    if most < least_gas(_as_transaction(request, 0), site.fork):
        raise _too_little(most)
    first = run(most)
    if first.error is not None:
        _refuse(first, most)
    least = max(first.gas_used, needed_gas(_as_transaction(request, 0), site.fork), _TRANSFER_GAS)
    if least >= most or _works(run, least):
        return min(least, most)
    return _search(run, least, first.gas_used, most)


def _search(run: Callable[[int], CallResult], failing: int, gas_used: int, working: int) -> int:
    """Bisect between a limit that fails and one that works."""
    # A message that forwards all but a 64th needs more than it uses; this guess is usually near.
    guess = (gas_used + _CALL_STIPEND) * 64 // 63
    if failing < guess < working:
        failing, working = (failing, guess) if _works(run, guess) else (guess, working)
    while failing + 1 < working:
        middle = (working + failing) // 2
        failing, working = (failing, middle) if _works(run, middle) else (middle, working)
    return working


def _works(run: Callable[[int], CallResult], gas: int) -> bool:
    try:
        return run(gas).error is None
    except CallTimeoutError:
        raise
    except CallError:
        # Too little gas even to start.
        return False


def _affordable_gas(site: CallSite, request: CallRequest, overrides: Overrides | None) -> int:
    """`request.gas`, or what one transaction may have or the sender can pay for if that is less."""
    most = request.gas if site.fork < Fork.OSAKA else min(request.gas, TRANSACTION_GAS_CAP)
    if not request.gas_price_wei:
        return most
    accounts = open_accounts(site.rules.nodes, site.state_root, site.fork)
    apply_overrides(accounts, overrides or {})
    blobs_wei = blob_gas(_as_transaction(request, 0)) * request.max_blob_fee_wei
    available = accounts.get_balance(request.sender) - request.value_wei - blobs_wei
    if available <= 0:
        raise CallError("insufficient funds for transfer")
    return min(most, available // request.gas_price_wei)


def _refuse(result: CallResult, gas: int) -> None:
    if result.error == REVERTED:
        raise CallError(REVERTED, result.output)
    if result.error == "out of gas":
        raise _too_little(gas)
    raise CallError(result.error or "execution failed", result.output)


def _too_little(gas: int) -> CallError:
    return CallError(f"gas required exceeds allowance ({gas})")
