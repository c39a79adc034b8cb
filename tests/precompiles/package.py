"""The TypeScript and JavaScript constants of `precompiles/solidity`, written from the declarations that run.

`python -m tests.precompiles.package` rewrites them; a test compares.
"""

import json
from pathlib import Path

from genesis.types import Address
from precompiles.abis import CLIENT_NAMES, abi_of

FOLDER = Path(__file__).resolve().parents[2] / "precompiles" / "solidity"
HEAD = "// Written by `python -m tests.precompiles.package` from the precompiles' declarations.\n"


def files() -> dict[str, str]:
    """File name to text."""
    return {f"abi.{kind}": _source(" as const" if kind == "ts" else "") for kind in ("ts", "js")}


def _source(suffix: str) -> str:
    addresses = json.dumps({name: f"0x{address.hex()}" for name, address in CLIENT_NAMES.items()}, indent=2)
    abis = "".join(
        f"\nexport const {name} = [\n{_entries(address)}]{suffix}\n" for name, address in CLIENT_NAMES.items()
    )
    return f"{HEAD}\nexport const addresses = {addresses}{suffix}\n{abis}"


def _entries(address: Address) -> str:
    return "".join(f"  {json.dumps(entry)},\n" for entry in abi_of(address))


def main() -> None:
    for name, text in files().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
