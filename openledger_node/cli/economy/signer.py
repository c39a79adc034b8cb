"""Whose key signs a command: a keystore, the environment, or an account of the development mnemonic.

Covered: keystore version 3 with a password file; `OPENLEDGER_PRIVATE_KEY`; development accounts, on
development chains only. Not covered: raw keys in flags, which other users of a machine can read.
"""

import json
import os
from pathlib import Path

from eth_account import Account as EthAccount

from genesis.spec import DEV_L1_CHAIN_ID, DEV_L2_CHAIN_ID
from openledger_node.client.account import Account, dev_account
from openledger_node.errors import StartError, UserError

KEY_VARIABLE = "OPENLEDGER_PRIVATE_KEY"
DEV_CHAINS = (DEV_L1_CHAIN_ID, DEV_L2_CHAIN_ID)
KEY_BYTES = 32
PRIVATE_MODE = 0o600


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


def read_keystore(keystore: Path, password_file: Path) -> Account:
    """Raises StartError when a file cannot be read or the password does not fit. Takes about a second."""
    try:
        document = json.loads(keystore.read_bytes())
        password = password_file.read_text().rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise StartError(f"keystore {keystore} cannot be read", str(error)) from error
    try:
        return Account(bytes(EthAccount.decrypt(document, password)))
    except (KeyError, TypeError, ValueError, NotImplementedError) as error:
        raise StartError(
            f"keystore {keystore} cannot be decrypted", f"check the password in {password_file}"
        ) from error


def write_keystore(private_key: bytes, keystore: Path, password_file: Path) -> Account:
    """Encrypt a key into a new file that only its owner can read; an existing file is never replaced."""
    try:
        password = password_file.read_text().rstrip("\r\n")
    except OSError as error:
        raise UserError(f"cannot read {password_file} ({error.strerror})", "give --password-file") from None
    if not password:
        raise UserError(f"{password_file} is empty", "write a password into it")
    document = json.dumps(EthAccount.encrypt(private_key, password))
    try:
        keystore.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(keystore, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    except OSError as error:
        raise UserError(f"cannot write {keystore} ({error.strerror})", "name a new file") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(document)
    return Account(private_key)


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
