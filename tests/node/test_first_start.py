"""What a first start writes down survives being killed in the middle of it."""

from pathlib import Path

import pytest

from openledger_node.node.ethereum import genesis_time_s
from openledger_node.node.worker_pool import TOKEN_FILE, worker_token_file
from workers.pool.handshake import read_token


def test_the_worker_token_is_made_once_and_private(tmp_path: Path) -> None:
    file = worker_token_file(tmp_path)
    token = read_token(file)
    assert read_token(worker_token_file(tmp_path)) == token
    assert file.stat().st_mode & 0o077 == 0


def test_an_empty_worker_token_is_made_again(tmp_path: Path) -> None:
    (tmp_path / TOKEN_FILE).touch()
    assert len(read_token(worker_token_file(tmp_path))) == 64


def test_the_genesis_time_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_path: Path, _target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "replace", killed)
        genesis_time_s(tmp_path / "l1")
    found = genesis_time_s(tmp_path / "l1")
    assert genesis_time_s(tmp_path / "l1") == found > 1_700_000_000
