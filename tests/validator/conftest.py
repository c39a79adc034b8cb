from pathlib import Path

import pytest

from tests.jobs.economy import PROVIDER, SECOND_PROVIDER, Economy, Trained, open_economy, trained


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One small model and index for the whole session."""
    return trained(str(tmp_path_factory.mktemp("trained")))


@pytest.fixture
def economy(tmp_path: Path, made: Trained) -> Economy:
    """A fresh chain with an open channel and a second provider."""
    return open_economy(tmp_path, made, (PROVIDER, SECOND_PROVIDER))
