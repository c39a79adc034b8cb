"""The worst use of the opcodes that stay in their frame."""

from benchmarks.precompiles.accounts import CODE_BYTES, FIRST, contracts, expander, many_accounts, many_slots
from benchmarks.precompiles.assembly import loop
from benchmarks.precompiles.workload import Workload, contract_call

_BIG = hex(2**256 - 189)
_MIDDLE = hex(2**255 - 19)
_HALF = hex(2**128 - 159)


def _pairs() -> list[Workload]:
    """Two operands on the stack, one result dropped."""
    setup = f"{_HALF} {_BIG}"
    names = "ADD MUL SUB DIV SDIV MOD SMOD SIGNEXTEND LT SGT EQ AND XOR BYTE SHL SAR".split()  # noqa: SIM905
    cases = [
        contract_call("arithmetic", name, loop(setup, f"DUP2 DUP2 {name} POP", times=200)) for name in names
    ]
    cases += [
        contract_call(
            "arithmetic",
            f"{name} of 256 bits",
            loop(f"{_BIG} {_MIDDLE} {_BIG}", f"DUP3 DUP3 DUP3 {name} POP"),
        )
        for name in ("ADDMOD", "MULMOD")
    ]
    for size, exponent in ((1, 255), (32, 2**256 - 1)):
        body = f"{hex(exponent)} {_BIG} EXP POP"
        cases.append(contract_call("arithmetic", f"EXP, {size}-byte exponent", loop("", body)))
    return cases + [
        contract_call("arithmetic", name, loop(_BIG, f"DUP1 {name} POP", times=200))
        for name in ("NOT", "ISZERO")
    ]


def _stack() -> list[Workload]:
    plain = (
        "PUSH0",
        "PC",
        "MSIZE",
        "GAS",
        "CALLER",
        "TIMESTAMP",
        "GASPRICE",
        "CODESIZE",
        "RETURNDATASIZE",
        "BASEFEE",
    )
    cases = [
        contract_call("stack and flow", f"{name}, POP", loop("", f"{name} POP", times=400)) for name in plain
    ]
    cases += [
        contract_call("stack and flow", "JUMPDEST", loop("", "JUMPDEST", times=2000)),
        contract_call("stack and flow", "PUSH32, POP", loop("", f"{_BIG} POP", times=400)),
        contract_call("stack and flow", "DUP16, POP", loop("1 " * 16, "DUP16 POP", times=400)),
        contract_call("stack and flow", "SWAP16", loop("1 " * 17, "SWAP16", times=800)),
        contract_call("stack and flow", "JUMP", loop("", "", times=1)),
        contract_call("stack and flow", "JUMPI", loop("", "1 0 JUMPI", times=200)),
    ]
    return cases


def _memory() -> list[Workload]:
    cases = [
        contract_call("memory", "MLOAD", loop("", "0 MLOAD POP", times=200)),
        contract_call("memory", "MSTORE", loop("", "1 0 MSTORE", times=200)),
        contract_call("memory", "MSTORE8", loop("", "1 0 MSTORE8", times=200)),
        contract_call("memory", "KECCAK256 of nothing", loop("", "0 0 KECCAK256 POP", times=200)),
        contract_call("memory", "KECCAK256 of 32 bytes", loop("", "32 0 KECCAK256 POP", times=200)),
        contract_call("memory", "KECCAK256 of 200 kB", loop(f"1 {1 << 18} MSTORE", "200000 0 KECCAK256 POP")),
        contract_call(
            "memory",
            "expansion to 1 MB",
            loop("", f"0 {hex(FIRST)} 0 0 0 0 GAS CALL POP"),
            accounts=expander,
            sample_gas=12_000_000,
        ),
    ]
    for name, operands in (
        ("MCOPY", "{n} 0 0"),
        ("CALLDATACOPY", "{n} 0 0"),
        ("CODECOPY", "{n} 0 0"),
        ("EXTCODECOPY", "{n} 0 0 ADDRESS"),
    ):
        for size in (0, 32, 100_000):
            setup = "" if size < 1000 else f"1 {size} MSTORE"
            body = f"{operands.format(n=size)} {name}"
            cases.append(contract_call("memory", f"{name} of {size} bytes", loop(setup, body, times=100)))
    setup = "1 100000 MSTORE 0 0 100000 0 4 GAS STATICCALL POP"
    cases.append(
        contract_call("memory", "RETURNDATACOPY of 100000 bytes", loop(setup, "100000 0 0 RETURNDATACOPY"))
    )
    return cases


def _state() -> list[Workload]:
    return [
        contract_call("state", "SLOAD, warm", loop("", "0 SLOAD POP", times=200)),
        contract_call("state", "SLOAD, cold", loop("0", "DUP1 SLOAD POP 1 ADD"), storage=many_slots),
        contract_call(
            "state", "SLOAD, cold, empty", loop(f"{2**40}", "DUP1 SLOAD POP 1 ADD"), storage=many_slots
        ),
        contract_call(
            "state", "SSTORE, cold, new", loop(f"{2**40}", "1 DUP2 SSTORE 1 ADD", reserve_gas=1_000_000)
        ),
        contract_call(
            "state",
            "SSTORE, cold, changed",
            loop("0", "NUMBER DUP2 SSTORE 1 ADD", reserve_gas=400_000),
            storage=many_slots,
        ),
        contract_call(
            "state",
            "SSTORE, cold, cleared",
            loop("0", "0 DUP2 SSTORE 1 ADD", reserve_gas=400_000),
            storage=many_slots,
        ),
        contract_call("state", "SSTORE, warm", loop("1", "1 ADD DUP1 0 SSTORE", reserve_gas=50_000)),
        contract_call("state", "TLOAD", loop("", "0 TLOAD POP", times=200)),
        contract_call("state", "TSTORE, new key", loop("1", "1 ADD DUP1 DUP1 TSTORE")),
        contract_call("state", "BALANCE, warm", loop("", "ADDRESS BALANCE POP", times=200)),
        contract_call("state", "SELFBALANCE", loop("", "SELFBALANCE POP", times=200)),
        contract_call(
            "state", "BALANCE, cold", loop(hex(FIRST), "DUP1 BALANCE POP 1 ADD"), accounts=many_accounts
        ),
        contract_call(
            "state",
            "BALANCE, cold, none",
            loop(hex(FIRST + 2**40), "DUP1 BALANCE POP 1 ADD"),
            accounts=many_accounts,
        ),
        contract_call(
            "state",
            "EXTCODEHASH, cold",
            loop(hex(FIRST), "DUP1 EXTCODEHASH POP 1 ADD"),
            accounts=many_accounts,
        ),
        contract_call(
            "state",
            "EXTCODESIZE, cold, 24 kB",
            loop(hex(FIRST), "DUP1 EXTCODESIZE POP 1 ADD"),
            accounts=contracts(1_200),
        ),
        contract_call(
            "state",
            "EXTCODECOPY, cold, 24 kB",
            loop(hex(FIRST), f"{CODE_BYTES} 0 0 DUP4 EXTCODECOPY 1 ADD"),
            accounts=contracts(700),
        ),
        contract_call("state", "BLOCKHASH", loop("", "1 NUMBER SUB BLOCKHASH POP", times=200)),
        contract_call("state", "LOG0 of nothing", loop("", "0 0 LOG0", reserve_gas=50_000)),
        contract_call("state", "LOG4 of nothing", loop("", "1 2 3 4 0 0 LOG4", reserve_gas=150_000)),
        contract_call("state", "LOG0 of 10 kB", loop("", "10000 0 LOG0", times=1, reserve_gas=150_000)),
    ]


def opcode_workloads() -> list[Workload]:
    return [*_pairs(), *_stack(), *_memory(), *_state()]
