"""The twins' gas library, written from the native price table.

`python -m tests.precompiles.gas_tables` rewrites it; a test compares.
"""

from pathlib import Path

from precompiles import gas
from precompiles.contract import Contract
from precompiles.table import CONTRACTS

LIBRARY = Path(__file__).resolve().parents[2] / "precompiles" / "solidity" / "twins" / "GasTables.sol"

_HEAD = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {{IPrecompileErrors}} from "../interfaces/IPrecompileErrors.sol";

/// @title The prices of `precompiles/gas.py`; written by `python -m tests.precompiles.gas_tables`
library GasTables {{
    uint256 private constant INPUT_WORD = {input_word};
    uint256 private constant MAXIMUM_ELEMENTS = 2 ** 64;
"""
_TAIL = """
    function _total(
        uint256[] calldata counts,
        uint256 base,
        uint256 price1,
        uint256 price2,
        uint256 price3,
        uint256 price4
    ) private pure returns (uint256) {
        return base + _count(counts, 0) * INPUT_WORD + _count(counts, 1) * price1 + _count(counts, 2) * price2
            + _count(counts, 3) * price3 + _count(counts, 4) * price4;
    }

    function _count(uint256[] calldata counts, uint256 i) private pure returns (uint256) {
        if (i >= counts.length) return 0;
        return counts[i] < MAXIMUM_ELEMENTS ? counts[i] : MAXIMUM_ELEMENTS;
    }
}
"""


def library_source() -> str:
    """The Solidity library as it should be."""
    functions = "".join(_function(contract) for contract in CONTRACTS.values())
    return _HEAD.format(input_word=gas.INPUT_WORD) + functions + _TAIL


def _function(contract: Contract) -> str:
    name = contract.name[0].lower() + contract.name[1:]
    lines = [
        "",
        f"    function {name}(bytes4 selector, uint256[] calldata counts) internal pure returns (uint256) {{",
        *(
            _line(method.selector, contract.prices[method.selector], method.name)
            for method in contract.methods
        ),
        "        revert IPrecompileErrors.UnknownFunctionSelector(selector);",
        "    }",
    ]
    return "\n".join(lines) + "\n"


def _line(selector: bytes, price: gas.Price, name: str) -> str:
    elements = [str(amount) for _, amount in price.elements]
    arguments = ", ".join([str(gas.CALL + price.base), *elements, *["0"] * (4 - len(elements))])
    return f"        if (selector == 0x{selector.hex()}) return _total(counts, {arguments}); // {name}"


if __name__ == "__main__":
    LIBRARY.write_text(library_source())
