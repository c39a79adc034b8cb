"""The worst transactions by what they carry, whatever they run."""

from collections.abc import Sequence
from itertools import count

from eth_account import Account

from benchmarks.precompiles.workload import Sent, Workload

_NOBODY = count(0x2000000000000000000000000000000000000000)
_CHAIN_ID = 31338


def _fresh() -> bytes:
    return next(_NOBODY).to_bytes(20, "big")


def _transfers(gas: int) -> Sequence[Sent]:
    return [Sent(21_000, {"to": _fresh(), "value": 1}) for _ in range(gas // 21_000)]


def _calldata(byte: bytes, gas_per_byte: int) -> Workload:
    """As many bytes as the floor price allows, 100 kB a transaction."""
    size = 100_000

    def transactions(gas: int) -> Sequence[Sent]:
        each = 21_000 + gas_per_byte * size
        return [Sent(each, {"to": b"\xdd" * 20, "data": byte * size}) for _ in range(max(gas // each, 1))]

    kind = "zero" if byte == b"\0" else "other"
    return Workload("transactions", f"calldata of {kind} bytes", transactions, dict, 6_000_000)


def _access_lists(gas: int) -> Sequence[Sent]:
    slots = 500
    each = 21_000 + 2_400 + 1_900 * slots + 100
    keys = [f"0x{slot:064x}" for slot in range(slots)]
    entry = {"address": "0x" + "dd" * 20, "storageKeys": keys}
    return [Sent(each, {"to": b"\xdd" * 20, "accessList": [entry]}) for _ in range(gas // each)]


def _authorizations(gas: int) -> Sequence[Sent]:
    each_holds = 30
    each = 21_000 + 25_000 * each_holds
    sent = []
    for batch in range(gas // each):
        signed = [_authorization(batch * each_holds + index) for index in range(each_holds)]
        sent.append(Sent(each, {"type": 4, "to": b"\xdd" * 20, "authorizationList": signed}))
    return sent


def _authorization(index: int) -> object:
    signer = Account.from_key((index + 10_000).to_bytes(32, "big"))
    return signer.sign_authorization({"chainId": _CHAIN_ID, "address": "0x" + "dd" * 20, "nonce": 0})


def _empty_creations(gas: int) -> Sequence[Sent]:
    return [Sent(53_000, {"to": None, "value": 0}) for _ in range(gas // 53_000)]


def transaction_workloads() -> list[Workload]:
    return [
        Workload("transactions", "transfers to new accounts", _transfers, dict),
        _calldata(b"\0", 10),
        _calldata(b"\1", 40),
        Workload("transactions", "access lists of 500 slots", _access_lists, dict),
        Workload("transactions", "30 authorizations", _authorizations, dict),
        Workload("transactions", "empty creations", _empty_creations, dict),
    ]
