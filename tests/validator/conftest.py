import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openledger_node.cli.commands import run_command
from openledger_node.cli.economy import session
from tests.jobs.economy import PROVIDER, SECOND_PROVIDER, VALIDATOR, Economy, Trained, open_economy, trained


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One small model and index for the whole session."""
    return trained(str(tmp_path_factory.mktemp("trained")))


@pytest.fixture
def economy(tmp_path: Path, made: Trained) -> Economy:
    """A fresh chain with an open channel and a second provider."""
    return open_economy(tmp_path, made, (PROVIDER, SECOND_PROVIDER))


Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(
    economy: Economy,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Run:
    """A command's JSON; its node is the law, its copies of documents the poster's own folder."""

    class Connection:
        """Every command closes its connection; the node lives on."""

        def __init__(self, _url: str) -> None:
            self.call = economy.node.call

        async def close(self) -> None:
            """See `HttpRpc`."""

    monkeypatch.setattr(session, "HttpRpc", Connection)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "openledger-node"
    folder.mkdir(parents=True)
    (folder / "artifacts").symlink_to(economy.store.directory)

    def run(*words: str, account: int = VALIDATOR) -> dict[str, Any]:
        arguments = ["openledger-node", "attribution", *words, "--json", "--account", str(account)]
        monkeypatch.setattr(sys, "argv", arguments)
        try:
            run_command()
        except SystemExit as end:
            if end.code:
                raise
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return run
