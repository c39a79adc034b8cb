import socket

import pytest

from openledger_node.errors import StartError
from openledger_node.node.preflight import assert_port_free, assert_supported_python


@pytest.mark.parametrize("version", [(3, 11), (3, 13)])
def test_supported_versions_pass(version: tuple[int, int]) -> None:
    assert_supported_python(version)


def test_python_3_12_is_refused_with_the_reason_and_a_remedy() -> None:
    with pytest.raises(StartError, match=r"3\.12.*1,024-deep.*use Python 3\.11 or 3\.13"):
        assert_supported_python((3, 12))


def test_busy_port_names_the_flag_that_moves_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StartError, match=r"--http\.port"):
            assert_port_free("127.0.0.1", taken.getsockname()[1], "--http.port")
