"""The engine does not start on slow or disagreeing libraries."""

import os
import subprocess
import sys

from openledger_node.evm.backends import assert_native_backends

_PROGRAM = "from openledger_node.evm.backends import assert_native_backends as check; check()"


def _run(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
    )


def test_native_backends_are_in_use_here() -> None:
    assert_native_backends()


def test_the_pure_python_signature_backend_is_refused() -> None:
    finished = _run(ECC_BACKEND_CLASS="eth_keys.backends.NativeECCBackend")
    assert finished.returncode == 1
    assert "StartError: signatures would be recovered in pure Python" in finished.stderr
    assert "install coincurve" in finished.stderr
