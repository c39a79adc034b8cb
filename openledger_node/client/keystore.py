"""A private key in an encrypted file: written once, read with its password file.

Covered: Web3 Secret Storage version 3. Not covered: raw key files (`node/keys.py`), remote signers.
Source: Web3 Secret Storage definition.
"""

import json
import os
from pathlib import Path

from eth_account import Account as EthAccount

from openledger_node.client.account import Account
from openledger_node.errors import StartError, UserError

PRIVATE_MODE = 0o600


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
