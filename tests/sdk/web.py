"""The predeploys' ABIs for TypeScript (`web/sdk/src/predeploys.ts`), written from the compiled contracts.

`python -m tests.sdk.web` rewrites the file; a test compares.
"""

import json
from pathlib import Path

from genesis.contracts.artifact import read_artifact
from genesis.predeploys import ARTIFACTS
from openledger_node.sdk.module import PREDEPLOYS

SDK = Path(__file__).resolve().parents[2] / "web" / "sdk"
FILE = SDK / "src" / "predeploys.ts"
HEAD = "// Written by `python -m tests.sdk.web` from the compiled contracts.\n"
OTHERS = {"assetToken": "AssetToken", "agentAccount": "AgentAccount"}
"""Contracts of which there are many: their addresses are given."""


def text() -> str:
    """The file's text."""
    addresses = {name: f"0x{address.hex()}" for name, (address, _) in PREDEPLOYS.items()}
    artifacts = {name: artifact for name, (_, artifact) in PREDEPLOYS.items()} | OTHERS
    abis = "".join(
        f"\nexport const {name} = [\n{_entries(artifact)}] as const\n" for name, artifact in artifacts.items()
    )
    return f"{HEAD}\nexport const predeploys = {json.dumps(addresses, indent=2)} as const\n{abis}"


def _entries(artifact: str) -> str:
    return "".join(f"  {json.dumps(entry)},\n" for entry in read_artifact(ARTIFACTS, artifact).abi)


if __name__ == "__main__":
    FILE.write_text(text())
