from pathlib import Path

import pytest

from openledger_node.errors import StartError
from openledger_node.node.keys import read_key, write_key


def test_written_key_is_private_and_reads_back(tmp_path: Path) -> None:
    path = write_key(tmp_path / "keys" / "batcher.key", bytes(range(32)))
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(path, "--keys.batcher") == bytes(range(32))


def test_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = write_key(tmp_path / "batcher.key", bytes(32))
    path.chmod(0o644)
    with pytest.raises(StartError, match="chmod 600"):
        read_key(path, "--keys.batcher")


@pytest.mark.parametrize("text", ["", "zz", "00" * 31])
def test_malformed_key_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    path = write_key(tmp_path / "batcher.key", b"")
    path.write_text(text)
    with pytest.raises(StartError, match="holds no hex private key"):
        read_key(path, "--keys.batcher")


def test_missing_key_names_the_flag(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"--keys\.batcher"):
        read_key(tmp_path / "none", "--keys.batcher")
    with pytest.raises(StartError, match=r"--keys\.batcher"):
        read_key(None, "--keys.batcher")
