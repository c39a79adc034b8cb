"""The TypeScript and JavaScript constants of `precompiles/solidity`, written from what runs.

`python -m tests.precompiles.package` rewrites them; a test compares.
"""

import json
from pathlib import Path

from genesis.policy import DEV_POLICY
from genesis.types import ZERO_ADDRESS, Address
from precompiles.abis import CLIENT_NAMES, abi_of
from precompiles.genesis_storage import initial_storage

FOLDER = Path(__file__).resolve().parents[2] / "precompiles" / "solidity"
HEAD = "// Written by `python -m tests.precompiles.package` from the precompiles' declarations.\n"


def files() -> dict[str, str]:
    """File name to text."""
    abis = {f"abi.{kind}": _source(" as const" if kind == "ts" else "") for kind in ("ts", "js")}
    return abis | {"storage.js": _storage()}


def _source(suffix: str) -> str:
    addresses = json.dumps({name: f"0x{address.hex()}" for name, address in CLIENT_NAMES.items()}, indent=2)
    abis = "".join(
        f"\nexport const {name} = [\n{_entries(address)}]{suffix}\n" for name, address in CLIENT_NAMES.items()
    )
    return f"{HEAD}\nexport const addresses = {addresses}{suffix}\n{abis}"


def _entries(address: Address) -> str:
    return "".join(f"  {json.dumps(entry)},\n" for entry in abi_of(address))


def _storage() -> str:
    """A dev network's first words by address; the policy's timelock is for whoever puts them in place."""
    words = {
        f"0x{address.hex()}": {f"0x{slot:064x}": f"0x{value:064x}" for slot, value in sorted(slots.items())}
        for address, slots in initial_storage(DEV_POLICY, ZERO_ADDRESS).items()
    }
    return f"{HEAD}\nexport const storage = {json.dumps(words, indent=2)}\n"


def main() -> None:
    for name, text in files().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
