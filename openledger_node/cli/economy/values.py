"""How amounts, accounts, hashes and ids are written on the command line, and what is refused."""

import re
from collections.abc import Sequence
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, Token

from genesis.keccak import keccak256
from genesis.spec import OPEN_UNIT
from genesis.types import Address, Hash32
from openledger_node.cli.numbers import MAXIMUM_WORD
from openledger_node.client.account import dev_account
from openledger_node.errors import UserError

DEV_PREFIX = "dev:"
HEX = re.compile(r"^0x([0-9a-fA-F]{2})*$")
WHOLE = re.compile(r"[0-9]{1,78}\Z")
EXACT_DIGITS = 100
"""Decimal digits kept of an amount: more than a word's 78, so that no amount that fits is rounded."""
ADDRESS_BYTES = 20
WORD_BYTES = 32


def amount(text: str) -> int:
    """Wei: `1.5` is OPEN, `10wei` is wei. Raises ValueError for anything else, or parts of a wei."""
    try:
        wei = _wei(text)
    except ArithmeticError:
        raise ValueError(f"{text!r} is not an amount: write 1.5 for OPEN or 10wei") from None
    if not wei.is_finite() or not 0 <= wei <= MAXIMUM_WORD or wei != int(wei):
        raise ValueError(f"{text!r} is not an amount: write 1.5 for OPEN or 10wei")
    return int(wei)


def _wei(text: str) -> Decimal:
    """An amount as it is written; raises decimal's errors for what is no number."""
    with localcontext(prec=EXACT_DIGITS):
        if text.endswith("wei") and WHOLE.match(text.removesuffix("wei")):
            return Decimal(text.removesuffix("wei"))
        return Decimal(text) * OPEN_UNIT


def address(text: str) -> Address:
    """20 bytes: `0x…` with a right checksum or in one case; `dev:3` is account 3 of the dev mnemonic."""
    if text.startswith(DEV_PREFIX) and WHOLE.match(text.removeprefix(DEV_PREFIX)):
        return dev_account(int(text.removeprefix(DEV_PREFIX))).address
    if not HEX.match(text) or len(text) != 2 + 2 * ADDRESS_BYTES:
        raise ValueError(f"{text!r} is not an account: write 0x and 40 hex digits, or dev:3")
    found = Address(bytes.fromhex(text[2:]))
    digits = text[2:]
    if digits not in {digits.lower(), digits.upper()} and text != checksummed(found):
        raise ValueError(f"{text!r} has a wrong checksum: copy it again, or write it in lower case")
    return found


def checksummed(account: Address) -> str:
    """Mixed-case hex. Source: EIP-55."""
    digits = account.hex()
    guide = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(nibble, 16) >= 8 else digit for digit, nibble in zip(digits, guide, strict=False)
    )


def word(text: str) -> Hash32:
    """32 bytes: `0x…` or `sha256:…`, as artefacts are named."""
    digits = text.removeprefix("sha256:").removeprefix("0x")
    if not HEX.match(f"0x{digits}") or len(digits) != 2 * WORD_BYTES:
        raise ValueError(f"{text!r} is not a hash: write 0x or sha256: and 64 hex digits")
    return Hash32(bytes.fromhex(digits))


def data(text: str) -> bytes:
    """Any bytes as `0x…`."""
    if not HEX.match(text):
        raise ValueError(f"{text!r} is not hex data: write 0x and an even number of hex digits")
    return bytes.fromhex(text[2:])


def short_text(text: str) -> bytes:
    """Up to 32 bytes of text, padded to a word: a licence id."""
    encoded = text.encode()
    if len(encoded) > WORD_BYTES:
        raise ValueError(f"{text!r} is longer than {WORD_BYTES} bytes")
    return encoded.ljust(WORD_BYTES, b"\0")


def _converter(parse: Any) -> Parameter:
    def convert(_type: Any, tokens: Sequence[Token]) -> Any:
        return parse(tokens[0].value)

    return Parameter(converter=convert, n_tokens=1)


Amount = Annotated[int, _converter(amount)]
Account = Annotated[Address, _converter(address)]
Word = Annotated[Hash32, _converter(word)]
Data = Annotated[bytes, _converter(data)]
ShortText = Annotated[bytes, _converter(short_text)]
File = Annotated[Path, Parameter()]


def version_of(text: str) -> tuple[int, int]:
    """A Datanet and its version; raises UserError."""
    datanet, _, version = text.partition(":")
    if not (datanet.isdecimal() and version.isdecimal()):
        raise UserError(f"{text!r} is not a Datanet version", "write DATANET:VERSION, for instance 1:2")
    return int(datanet), int(version)
