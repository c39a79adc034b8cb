"""The worst use of the opcodes that open a frame."""

from benchmarks.precompiles.accounts import FIRST, contracts, jumper, many_accounts, reverter
from benchmarks.precompiles.assembly import assemble, loop
from benchmarks.precompiles.workload import Workload, contract_call
from genesis.addresses import ATTRIBUTION

_INITCODE_BYTES = 49_152
_LARGE_BYTES = 2_000_000
_CODE_BYTES = 24_576
_CALL_NEXT = "0 0 0 0 {value} DUP6 GAS CALL POP 1 ADD"
_CALL_FIRST = f"0 0 0 0 0 {hex(FIRST)} GAS CALL POP"


def _calls() -> list[Workload]:
    family = "calls"
    first, free, paid = hex(FIRST), _CALL_NEXT.format(value=0), _CALL_NEXT.format(value=1)
    return [
        *(
            contract_call(
                family,
                f"{name} of an empty account, warm",
                loop("", f"0 0 0 0 {value} 0xdddd GAS {name} POP"),
            )
            for name, value in (("CALL", "0"), ("CALLCODE", "0"), ("STATICCALL", ""), ("DELEGATECALL", ""))
        ),
        contract_call(family, "CALL of an account, cold", loop(first, free), accounts=many_accounts),
        contract_call(
            family,
            "CALL with 1 wei, cold",
            loop(first, paid, reserve_gas=900_000),
            accounts=many_accounts,
        ),
        contract_call(
            family, "CALL with 1 wei, new account", loop(first, paid, times=10, reserve_gas=900_000)
        ),
        contract_call(
            family, "CALL of 24 kB code, cold, jump to its end", loop(first, free), accounts=contracts(1_100)
        ),
        contract_call(
            family, "CALL of itself, deep", loop("", "0 0 0 0 0 ADDRESS GAS CALL POP"), sample_gas=15_000_000
        ),
        contract_call(family, "CALL that reverts", loop("", _CALL_FIRST), accounts=reverter(0)),
        contract_call(
            family, "CALL that reverts with 100 kB", loop("", _CALL_FIRST), accounts=reverter(100_000)
        ),
        contract_call(
            family, "CALL with 100 kB input", loop("1 100000 MSTORE", "0 0 100000 0 0 0xdddd GAS CALL POP")
        ),
        *(
            contract_call(
                family,
                f"{name} with 2 MB input",
                loop(f"1 {_LARGE_BYTES} MSTORE", f"0 0 {_LARGE_BYTES} 0 0 {target} {gas} CALL POP"),
                accounts=reverter(0),
                sample_gas=15_000_000,
            )
            for name, target, gas in (
                ("CALL", first, "GAS"),
                ("CALL of ecrecover", "1", "GAS"),
                ("CALL of identity without gas", "4", "0"),
                ("CALL of MODEXP", "5", "GAS"),
                ("CALL of a native precompile without gas", hex(int.from_bytes(ATTRIBUTION, "big")), "0"),
            )
        ),
    ]


def _creations() -> list[Workload]:
    family = "creation"
    stopping = f"0 {_INITCODE_BYTES - 32} MSTORE 0"
    return [
        contract_call(
            family, "CREATE of nothing", loop("", "0 0 0 CREATE POP", times=10, reserve_gas=600_000)
        ),
        contract_call(
            family,
            "CREATE2 of nothing",
            loop("0", "DUP1 0 0 0 CREATE2 POP 1 ADD", times=10, reserve_gas=600_000),
        ),
        contract_call(family, "CREATE of 48 kB initcode, jump to its end", _creator()),
        contract_call(
            family,
            "CREATE2 of 48 kB initcode that stops",
            loop(stopping, f"DUP1 {_INITCODE_BYTES} 0 0 CREATE2 POP 1 ADD", times=1, reserve_gas=100_000),
        ),
        contract_call(family, "CREATE of 24 kB code", _deployer(), sample_gas=15_000_000),
        contract_call(family, "SELFDESTRUCT to a new account", _destroyer()),
    ]


def _creator() -> bytes:
    """Creates with initcode that differs each time in one number."""
    whole = jumper(_INITCODE_BYTES, 0)
    filling = int.from_bytes(whole[32:64], "big")
    # Double the filling in memory until the initcode is full.
    size, copies = 32, []
    while size < _INITCODE_BYTES - 32:
        step = min(size, _INITCODE_BYTES - 32 - size)
        copies.append(f"{step} 32 {32 + size} MCOPY")
        size += step
    number = whole.index(b"\x63") + 5
    head = int.from_bytes(whole[:32], "big")
    shift = 8 * (32 - number)
    body = f"1 ADD DUP1 {hex(1 << shift)} MUL {hex(head)} OR 0 MSTORE {_INITCODE_BYTES} 0 0 CREATE POP"
    return loop(f"{hex(filling)} 32 MSTORE {' '.join(copies)} 0", body, times=1, reserve_gas=100_000)


def _deployer() -> bytes:
    """Deploys the largest code, all zeros."""
    initcode = assemble(f"{_CODE_BYTES} 0 RETURN")
    return loop(_stored(initcode), f"{len(initcode)} 0 0 CREATE POP", times=1, reserve_gas=5_500_000)


def _destroyer() -> bytes:
    """Creates contracts that destroy themselves at once, each in favour of an account of its own."""
    initcode = assemble("ADDRESS NOT SELFDESTRUCT")
    return loop(_stored(initcode), f"{len(initcode)} 0 1 CREATE POP", times=5, reserve_gas=500_000)


def _stored(code: bytes) -> str:
    return f"{hex(int.from_bytes(code.ljust(32, bytes(1)), 'big'))} 0 MSTORE"


def call_workloads() -> list[Workload]:
    return [*_calls(), *_creations()]
