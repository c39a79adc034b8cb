"""Whose key signs a command: a keystore, the environment, or an account of the development mnemonic.

Covered: keystore version 3 with a password file; `OPENLEDGER_PRIVATE_KEY`; development accounts, on
development chains only. Not covered: raw keys in flags, which other users of a machine can read.
"""

import os
from pathlib import Path

from genesis.spec import DEV_L1_CHAIN_ID, DEV_L2_CHAIN_ID
from openledger_node.client.account import Account, dev_account
from openledger_node.client.keystore import read_keystore
from openledger_node.errors import UserError

KEY_VARIABLE = "OPENLEDGER_PRIVATE_KEY"
DEV_CHAINS = (DEV_L1_CHAIN_ID, DEV_L2_CHAIN_ID)
KEY_BYTES = 32


def signer(
    chain_id: int, *, account: int | None, keystore: Path | None, password_file: Path | None
) -> Account:
    """The account to sign with. Raises UserError when none is named or it cannot be used on this chain."""
    if account is not None:
        if chain_id not in DEV_CHAINS:
            raise UserError(
                f"account {account} of the development mnemonic is public and this is chain {chain_id}",
                "use --keystore",
            )
        return dev_account(account)
    if keystore is not None:
        if password_file is None:
            raise UserError(f"{keystore} needs a password", "give --password-file")
        return read_keystore(keystore, password_file)
    if text := os.environ.get(KEY_VARIABLE):
        return _from_hex(text)
    raise UserError(
        "no account to sign with",
        f"give --keystore with --password-file, {KEY_VARIABLE}, or --account in dev",
    )


def environment_key() -> bytes:
    """The key in the environment; raises UserError when there is none."""
    text = os.environ.get(KEY_VARIABLE)
    if not text:
        raise UserError(f"{KEY_VARIABLE} is not set", "set it to the key to import")
    return _key(text)


def _from_hex(text: str) -> Account:
    return Account(_key(text))


def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES or not any(key):
        raise UserError(f"{KEY_VARIABLE} holds no private key", "set it to 64 hex digits")
    return key
