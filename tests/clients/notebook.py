"""The compiled contract that every client deploys (`tests/contracts/solidity/Notebook.sol`)."""

import json
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[1] / "contracts/solidity/Notebook.sol"
FILE = Path(__file__).parents[1] / "contracts/artifacts/Notebook.json"
NOTEBOOK: dict[str, Any] = json.loads(FILE.read_text())
ABI: list[Any] = NOTEBOOK["abi"]
BYTECODE = f"0x{NOTEBOOK['bytecode']}"
