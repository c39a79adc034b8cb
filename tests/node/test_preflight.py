import asyncio
import resource
import socket
from pathlib import Path

import pytest

from openledger_node.errors import StartError
from openledger_node.node.preflight import (
    assert_port_free,
    assert_supported_python,
    await_ports,
    free_port,
    held_directory,
    node_directory,
    raise_file_limit,
)


@pytest.mark.parametrize("version", [(3, 11), (3, 13)])
def test_supported_versions_pass(version: tuple[int, int]) -> None:
    assert_supported_python(version)


def test_python_3_12_is_refused_with_the_reason_and_a_remedy() -> None:
    with pytest.raises(StartError, match=r"3\.12.*1,024-deep.*use Python 3\.11 or 3\.13"):
        assert_supported_python((3, 12))


def test_files_are_granted_up_to_the_systems_limit() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        assert raise_file_limit(most=512) == 512
        assert raise_file_limit(most=300) == 512, "never lowered"
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (512, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_busy_port_names_the_flag_that_moves_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StartError, match=r"--http\.port"):
            assert_port_free("127.0.0.1", taken.getsockname()[1], "--http.port")


def test_a_free_port_is_none_that_outgoing_connections_get() -> None:
    found = {free_port("127.0.0.1") for _ in range(20)}
    assert len(found) > 10
    assert max(found) < 32_768
    for port in found:
        assert_port_free("127.0.0.1", port, "--http.port")


async def test_a_port_that_is_let_go_in_time_is_no_reason_to_refuse() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=r"--ws\.port"):
            await await_ports("127.0.0.1", [(port, "--ws.port")], patience_s=0.0)
        asyncio.get_running_loop().call_later(0.05, taken.close)
        await await_ports("127.0.0.1", [(port, "--ws.port")], patience_s=5.0)


def test_a_data_directory_belongs_to_one_node_at_a_time(tmp_path: Path) -> None:
    with (
        held_directory(tmp_path / "data") as directory,
        pytest.raises(StartError, match=r"in use by another node.*--datadir"),
        held_directory(directory),
    ):
        pass
    with held_directory(tmp_path / "data"):
        pass


def test_a_data_directory_that_cannot_be_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StartError, match=r"cannot be written.*--datadir"),
        held_directory(tmp_path / "file" / "data"),
    ):
        pass


def test_one_node_at_a_time_has_a_directory(tmp_path: Path) -> None:
    with (
        node_directory(tmp_path / "node"),
        pytest.raises(StartError, match=r"in use by another node: .*--datadir"),
        node_directory(tmp_path / "node"),
    ):
        pass
    with node_directory(tmp_path / "node") as again:
        assert again == (tmp_path / "node").resolve()


@pytest.mark.parametrize("place", ["/proc/openledger", "/dev/null/openledger"])
def test_a_directory_that_cannot_be_made(place: str) -> None:
    with (
        pytest.raises(StartError, match=r"cannot be written .*: choose another with --datadir"),
        node_directory(Path(place)),
    ):
        pass


def test_without_a_directory_nothing_is_left() -> None:
    with node_directory(None) as directory:
        (directory / "file").write_text("")
    assert not directory.exists()
