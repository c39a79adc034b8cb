"""What we count on, or work around, in py-evm and its libraries; a change of theirs shows here first."""

import signal
import subprocess
import sys
from typing import Any

import pytest
from eth import EVM_RECURSION_LIMIT
from eth._utils.address import force_bytes_to_address
from eth.db.atomic import AtomicDB
from eth.exceptions import Revert
from eth.precompiles.modexp import _modexp
from eth.vm.code_stream import CodeStream
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState
from eth.vm.message import Message
from eth.vm.transaction_context import BaseTransactionContext
from eth_keys.backends import get_backend
from eth_keys.backends.coincurve import CoinCurveECCBackend
from trie.constants import BLANK_NODE_HASH

ADDRESS = b"\x16" * 20


def _run(computation_class: Any, code: bytes = b"") -> Any:
    context = ExecutionContext(
        coinbase=b"\0" * 20,
        timestamp=1,
        block_number=1,
        difficulty=0,
        mix_hash=b"\0" * 32,
        gas_limit=10**6,
        prev_hashes=(),
        chain_id=1,
        base_fee_per_gas=1,
        excess_blob_gas=0,
    )
    state = PragueState(AtomicDB(), context, BLANK_NODE_HASH)
    message = Message(gas=100_000, to=ADDRESS, sender=b"\1" * 20, value=0, data=b"", code=code)
    return computation_class.apply_message(state, message, BaseTransactionContext(0, b"\1" * 20))


def test_a_precompile_that_reverts_must_set_its_output_first() -> None:
    def silent(computation: Any) -> None:
        raise Revert(b"reason")

    def spoken(computation: Any) -> None:
        computation.output = b"reason"
        raise Revert(b"reason")

    def with_precompile(run: Any) -> Any:
        class Probe(PragueComputation):  # type: ignore[misc]  # py-evm is untyped here
            _precompiles = {ADDRESS: run}  # noqa: RUF012  # as py-evm declares it

        return _run(Probe)

    assert with_precompile(silent).output == b""
    assert with_precompile(spoken).output == b"reason"
    assert with_precompile(spoken).get_gas_remaining() == 100_000


def test_modexp_of_an_empty_base_is_still_wrong_upstream() -> None:
    # 0^0 mod 2 is 1; ours is in `evm/ethereum_precompiles.py` until theirs is right.
    data = (0).to_bytes(32, "big") * 2 + (1).to_bytes(32, "big") + b"\2"
    assert _modexp(data) == 0


def test_jump_checks_still_recurse_upstream() -> None:
    # 24 kB of PUSH1 is valid code to deploy; ours is in `evm/code.py`. (py_ecc happens to raise the limit.)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(EVM_RECURSION_LIMIT)
    try:
        with pytest.raises(RecursionError):
            CodeStream(b"\x60" * 24_576).is_valid_opcode(24_575)
    finally:
        sys.setrecursionlimit(limit)


def test_initcode_size_is_still_looked_at_too_late_upstream() -> None:
    # Source: EIP-3860. Ours is in `evm/machines.py`: CREATE of 49,153 bytes without the money halts.
    code = bytes.fromhex("61c001" + "5f" + "6001" + "f0")
    computation = _run(PragueComputation, code)
    assert computation.is_success


def test_py_evm_ends_at_prague() -> None:
    clz = 0x1E
    p256_verify = (0x100).to_bytes(20, "big")
    assert clz not in PragueComputation.opcodes
    assert p256_verify not in PragueComputation.get_precompiles()
    expected = {force_bytes_to_address(bytes((n,))) for n in range(1, 0x12)}
    assert set(PragueComputation.get_precompiles()) == expected


def test_signatures_use_the_native_library() -> None:
    assert isinstance(get_backend(), CoinCurveECCBackend)


def test_deeply_nested_rlp_still_ends_the_process() -> None:
    # The reason for the depth check in `evm/rlp_codec.py`.
    program = (
        "import rusty_rlp\n"
        "parts, n = [b'\\xc0'], 1\n"
        "for _ in range(100_000):\n"
        "    size = n.to_bytes((n.bit_length() + 7) // 8, 'big')\n"
        "    parts.append(bytes((0xc0 + n,)) if n < 56 else bytes((0xf7 + len(size),)) + size)\n"
        "    n += len(parts[-1])\n"
        "rusty_rlp.decode_raw(b''.join(reversed(parts)), True, False)\n"
    )
    pytest.importorskip("rusty_rlp", reason="rusty-rlp has no wheel for this Python")
    finished = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert finished.returncode == -signal.SIGSEGV
