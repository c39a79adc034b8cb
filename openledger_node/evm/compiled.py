"""Which interpreter runs: `interpreter.py` compiled to C, or the source itself.

A compiled file carries the digest of the sources it was made from in its name, so one that is out of date is
never found. `python -m openledger_node.evm.compile` makes it.
"""

import hashlib
import os
import sys
import sysconfig
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from openledger_node.evm import interpreter

FOLDER = Path(__file__).parent
SOURCES = (FOLDER / "interpreter.py", FOLDER / "interpreter.pxd")
PURE_PYTHON_VARIABLE = "OPENLEDGER_PURE_PYTHON"
_DIGEST_LETTERS = 16


def module_name() -> str:
    """What the compiled module is called: it changes with its sources."""
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in SOURCES)).hexdigest()
    return f"interpreter_{digest[:_DIGEST_LETTERS]}"


def compiled_path() -> Path:
    """Where the compiled module of these sources and this Python is, or would be."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    return FOLDER / "build" / f"{module_name()}{suffix}"


def load_interpreter() -> Any:
    """The compiled module if there is one and the environment does not forbid it, else the source's."""
    path = compiled_path()
    if os.environ.get(PURE_PYTHON_VARIABLE) or not path.exists():
        return interpreter
    name = f"openledger_node.evm.build.{module_name()}"
    spec = spec_from_file_location(name, path, loader=ExtensionFileLoader(name, str(path)))
    assert spec is not None, "a loader was given"
    assert spec.loader is not None, "a loader was given"
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


INTERPRETER = load_interpreter()
IS_COMPILED = INTERPRETER is not interpreter
