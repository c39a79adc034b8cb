"""How commands end: one line and an exit code, whatever is wrong."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from openledger_node.cli import main as entry
from openledger_node.cli.main import main
from openledger_node.errors import StartError

Ended = tuple[int, str]


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """A command takes the signals of its process, which is the test run's here."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def ended(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Ended:
    """Exit code and standard error of the command."""
    monkeypatch.setattr(sys, "argv", ["openledger-node", *arguments])
    with pytest.raises(SystemExit) as exit_info:
        main()
    assert isinstance(exit_info.value.code, int)
    return exit_info.value.code, capsys.readouterr().err


def assert_one_line(found: Ended, code: int, complaint: str) -> None:
    """A command ended as it must where it is refused."""
    assert found[0] == code
    assert complaint in found[1]
    assert found[1].startswith("error: ")
    assert found[1].count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("dev", "--bogus", "1"), "Unknown option"),
        (("bogus",), "Unknown command"),
        (("dev", "extra"), "extra"),
        (("dev", "--http.port", "abc"), "--http.port: Input should be a valid integer"),
        (
            ("dev", "--http.port", "65536"),
            "--http.port: Input should be less than or equal to 65535, not '65536'",
        ),
        (("dev", "--l1.block-time", "0"), "--l1.block-time: Input should be greater than or equal to 1"),
        (("dev", "--log.level", "loud"), "--log.level: Input should be 'debug', 'info'"),
        (("run", "--role", "king"), "--role: Input should be 'sequencer'"),
        (("rpc",), "--method"),
        (("stake", "add", "1", "--timeout", "-5"), "Must be > 0"),
        (("datanet", "show", "-1"), "not a whole number from 0 to 2^256 - 1"),
        (("datanet", "show", "1.5"), "not a whole number"),
        (("datanet", "show", "1", "--account", "1.5"), "not a whole number"),
        (("model", "show", str(2**256)), "not a whole number from 0 to 2^256 - 1"),
        (("attribution", "challenge", "row", "1", "-1"), "not a whole number from 0 to 2^256 - 1"),
        (("status", "--timeout", "soon"), "--timeout"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    complaint: str,
) -> None:
    assert_one_line(ended(capsys, monkeypatch, *arguments), 2, complaint)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("ethereum",), "--dev"),
        (("run",), "--l1.url"),
        (("run", "--l1.url", "http://127.0.0.1:1"), "--rollup.config and --rollup.genesis"),
        (("run", "--role", "validator"), "--l2.url and --l2.artifacts"),
        (("run", "--role", "validator,verifier"), "validator shares a process with no other role"),
        (("run", "--role", "validator", "--role", "verifier"), "run it alone"),
        (("status", "--url", "http://127.0.0.1:1"), "gave no answer"),
        (("datanet", "show", "1", "--rpc", "no-url"), "gave no answer"),
        (("datanet", "may-use", "1", "dev:99999999999"), "a mnemonic has no account"),
        (("attribution", "check", "post", "1", "--artifacts", "here"), "name a host"),
        (("agent", "audit", "/nonexistent"), "cannot read /nonexistent"),
        (("rpc", "eth_chainId", "--url", "http://127.0.0.1:1"), "gave no answer"),
        (("factory", "clean", "--older-than-days", "nan"), "not a number of days"),
        (("factory", "export", "1", __file__), "is a file: name a new folder"),
        (("factory", "prepare", __file__, "--output", "x", "--gateway", "http://127.0.0.1:1"), "no answer"),
        (("factory", "add-base", "/nonexistent"), "holds no config.json"),
    ],
)
def test_a_refusal_is_one_line_and_exit_code_1(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    complaint: str,
) -> None:
    assert_one_line(ended(capsys, monkeypatch, *arguments), 1, complaint)


def test_an_agents_key_is_never_replaced(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key, definition = tmp_path / "agent.key", tmp_path / "agent.json"
    key.write_text("another agent's")
    definition.write_text(
        '{"format": "openledger-agent/1", "name": "a", "model": "7", "instructions": "Wait", "tools": []}'
    )
    code, error = ended(
        capsys, monkeypatch, "agent", "launch", str(definition), "--model", "1", "--key-out", str(key)
    )
    assert (code, key.read_text()) == (1, "another agent's")
    assert "name a new file" in error


def test_a_key_others_can_read_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("11" * 32)
    key.chmod(0o644)
    url = "http://127.0.0.1:1"
    arguments = ("run", "--role", "validator", "--l2.url", url, "--l2.artifacts", url)
    code, error = ended(capsys, monkeypatch, *arguments, "--keys.validator", str(key))
    assert (code, error.count("\n")) == (1, 1)
    assert "chmod 600" in error


def test_python_3_12_is_refused_before_anything_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise StartError("Python 3.12 is refused", "use Python 3.11 or 3.13")

    monkeypatch.setattr("openledger_node.cli.commands.assert_supported_python", refuse)
    code, error = ended(capsys, monkeypatch, "dev")
    assert (code, error.count("\n")) == (1, 1)
    assert "use Python 3.11 or 3.13" in error


@pytest.mark.parametrize(
    ("command", "code"), [("dev", 0), ("run", 0), ("ethereum", 0), ("demo", 130), ("", 130)]
)
def test_an_interrupt_while_starting_leaves_no_trace(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, code: int
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "openledger_node.cli.commands", SimpleNamespace(run_command=interrupted))
    assert ended(capsys, monkeypatch, *([command] if command else [])) == (code, "")


@pytest.mark.parametrize(("command", "code"), [("dev", 0), ("demo", 130)])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_inside_the_import_machinery_is_not_lost(
    command: str, code: int, number: signal.Signals, tmp_path: Path
) -> None:
    """Where an exception raised by a signal handler would be printed and ignored."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Interrupting:\n"
        "    def __del__(self):\n"
        f"        signal.raise_signal({int(number)})\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'openledger_node.cli.commands':\n"
        "            Interrupting()\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "openledger_node", command],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{os.getcwd()}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (code, "")


def test_the_entry_imports_nothing_that_takes_time() -> None:
    heavy = ("asyncio", "cyclopts", "pydantic", "structlog")
    assert not [name for name in heavy if hasattr(entry, name)]


def test_settings_come_from_flags_environment_and_file_in_this_order(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "openledger.toml").write_text("[http]\nport = 1\n[ws]\nport = 2\n[metrics]\nport = 3\n")
    monkeypatch.setenv("OPENLEDGER_HTTP_PORT", "11")
    monkeypatch.setenv("OPENLEDGER_WS_PORT", "12")
    monkeypatch.setattr(sys, "argv", ["openledger-node", "config", "dump", "--http.port", "21"])
    with pytest.raises(SystemExit, match="0"):
        main()
    dumped = json.loads(capsys.readouterr().out)
    assert [dumped[section]["port"] for section in ("http", "ws", "metrics")] == [21, 12, 3]


def test_addresses_for_commands_do_not_stand_in_a_nodes_way(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENLEDGER_GATEWAY", "http://127.0.0.1:9000")
    monkeypatch.setenv("OPENLEDGER_L1", "http://127.0.0.1:9001")
    monkeypatch.setenv("OPENLEDGER_GATEWAY_PORT", "9002")
    monkeypatch.setattr(sys, "argv", ["openledger-node", "config", "dump"])
    with pytest.raises(SystemExit, match="0"):
        main()
    dumped = json.loads(capsys.readouterr().out)
    assert (dumped["gateway"]["port"], dumped["l1"]["port"]) == (9002, 7545)


def test_settings_of_a_node_do_not_stand_in_a_commands_way(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLEDGER_GATEWAY_HOST", "0.0.0.0")
    monkeypatch.setenv("OPENLEDGER_RPC", "http://127.0.0.1:1")
    code, error = ended(capsys, monkeypatch, "demo")
    assert (code, error.count("\n")) == (1, 1)
    assert "no node answers at http://127.0.0.1:1" in error


def test_an_unknown_key_in_the_file_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "openledger.toml").write_text("[http]\nprot = 1\n")
    code, error = ended(capsys, monkeypatch, "config", "dump")
    assert (code, error.count("\n")) == (2, 1)
    assert "prot" in error
