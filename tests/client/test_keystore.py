"""Keystore files: written once for their owner alone, read with their password."""

import json
from pathlib import Path

import pytest
from eth_account import Account

from openledger_node.client.keystore import read_keystore, write_keystore
from openledger_node.errors import StartError, UserError


def test_a_keystore_is_written_once_and_read_with_its_password(tmp_path: Path) -> None:
    password, keystore = tmp_path / "password", tmp_path / "keys" / "mine.json"
    password.write_text("secret\n")
    made = write_keystore(b"\x05" * 32, keystore, password)
    assert keystore.stat().st_mode & 0o077 == 0
    assert read_keystore(keystore, password).address == made.address
    with pytest.raises(UserError, match="cannot write"):
        write_keystore(b"\x06" * 32, keystore, password)
    password.write_text("other")
    with pytest.raises(StartError, match="cannot be decrypted"):
        read_keystore(keystore, password)


def test_a_file_of_another_client_is_read(tmp_path: Path) -> None:
    password, keystore = tmp_path / "password", tmp_path / "theirs.json"
    password.write_text("secret\r\n")
    keystore.write_text(json.dumps(Account.encrypt(b"\x05" * 32, "secret", kdf="pbkdf2", iterations=1)))
    assert (
        read_keystore(keystore, password).address.hex() == Account.from_key(b"\x05" * 32).address[2:].lower()
    )


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"crypto": {}, "version": 3}'])
def test_what_is_no_keystore_is_refused(tmp_path: Path, content: str) -> None:
    password, keystore = tmp_path / "password", tmp_path / "wrong.json"
    password.write_text("secret")
    keystore.write_text(content)
    with pytest.raises(StartError, match=r"cannot be (read|decrypted)"):
        read_keystore(keystore, password)


def test_a_password_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("\n")
    with pytest.raises(UserError, match="is empty"):
        write_keystore(b"\x05" * 32, tmp_path / "mine.json", tmp_path / "password")
