"""Which Solidity sources become which committed artefacts, and the command that makes them.

`python -m genesis.contracts.compile [l2] [l1] [precompiles] [tests]` compiles the named sets, or
all. It needs Node.js and the packages of `tests/clients` (`npm ci --prefix tests/clients`).
"""

import json
import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genesis.contracts.artifact import COMPILER, SOLC_SETTINGS, source_hash

REPOSITORY = Path(__file__).resolve().parents[2]
NODE_SCRIPT = Path(__file__).with_name("solc.mjs")
COMPILE_TIMEOUT_S = 300
OUTPUTS = (
    "abi",
    "storageLayout",
    "evm.bytecode.object",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.immutableReferences",
)
"""Of each contract, by solc's names."""
SYNTAX_TREE_NUMBER = re.compile(r"(t_(?:struct|contract|enum)\([^()]*\))\d+")


@dataclass(frozen=True, slots=True)
class SourceSet:
    """Folders of Solidity sources and the folder their artefacts go to, relative to the repository.

    `imports` are folders of another set that these sources import; they make no artefacts here.
    """

    folders: tuple[str, ...]
    artifacts: str
    imports: tuple[str, ...] = ()

    def sources(self) -> dict[str, str]:
        """Path (relative to the repository) to text, of every source in the set."""
        return {path: (REPOSITORY / path).read_text() for path in (*_paths(self.folders), *self.imported)}

    @property
    def imported(self) -> tuple[str, ...]:
        """Paths of the sources that belong to another set."""
        return _paths(self.imports)

    @property
    def folder(self) -> Path:
        return REPOSITORY / self.artifacts


BRIDGE = "rollup_bridge/contracts/bridge"
"""What both ends of the bridge have in common."""


def _paths(folders: tuple[str, ...]) -> tuple[str, ...]:
    found = sorted(path for folder in folders for path in (REPOSITORY / folder).glob("*.sol"))
    return tuple(path.relative_to(REPOSITORY).as_posix() for path in found)


SOURCE_SETS: Mapping[str, SourceSet] = {
    "l2": SourceSet(
        ("genesis/contracts", BRIDGE), "genesis/contracts/artifacts", ("precompiles/solidity/interfaces",)
    ),
    "l1": SourceSet(("rollup_bridge/contracts", BRIDGE), "rollup_bridge/contracts/artifacts"),
    "precompiles": SourceSet(
        ("precompiles/solidity/interfaces", "precompiles/solidity/twins"), "precompiles/solidity/artifacts"
    ),
    "tests": SourceSet(("tests/contracts/solidity",), "tests/contracts/artifacts"),
}


class CompileError(Exception):
    """The compiler is missing or refused the sources; the message is what it said."""


def compile_sources(sources: Mapping[str, str], imported: Collection[str] = ()) -> dict[str, str]:
    """Compile; returns file name to file text, `sources.json` included. Raises `CompileError`.

    Sources whose paths are `imported` make no artefacts.
    """
    contracts = _compile(sources)
    files = {}
    for path, name, contract in sorted(_own_contracts(contracts, sources.keys() - set(imported))):
        file = f"{name}.json"
        if file in files:
            raise CompileError(f"{path}: another contract of this set is called {name} too")
        files[file] = _file_text(_fields(contract))
    files["sources.json"] = _file_text(
        {"compiler": COMPILER, "sourceHash": source_hash(sources), "sources": sorted(sources)}
    )
    return files


def write_artifacts(source_set: SourceSet) -> int:
    """Compile one set and replace its artefacts; returns how many files changed."""
    files = compile_sources(source_set.sources(), source_set.imported)
    source_set.folder.mkdir(parents=True, exist_ok=True)
    changed = 0
    for path in source_set.folder.glob("*.json"):
        if path.name not in files:
            path.unlink()
            changed += 1
    for name, text in files.items():
        path = source_set.folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            changed += 1
    return changed


def _compile(sources: Mapping[str, str]) -> Mapping[str, Any]:
    """Contracts by source path and name. Raises CompileError; warnings go to standard error."""
    reply = _ask_compiler(
        {
            "language": "Solidity",
            "sources": {path: {"content": text} for path, text in sources.items()},
            "settings": {**SOLC_SETTINGS, "outputSelection": {"*": {"*": OUTPUTS}}},
        }
    )
    problems = reply.get("errors", [])
    for problem in problems:
        print(problem["formattedMessage"], file=sys.stderr)
    if any(problem["severity"] == "error" for problem in problems):
        raise CompileError("the sources do not compile")
    contracts: Mapping[str, Any] = reply["contracts"]
    return contracts


def _ask_compiler(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """What solc of the pinned version answers. Raises CompileError where it is not installed."""
    try:
        finished = subprocess.run(  # noqa: S603 - a fixed command
            ["node", str(NODE_SCRIPT)],  # noqa: S607 - Node.js is wherever the developer keeps it
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=COMPILE_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as missing:
        raise CompileError("Node.js 20 or newer is needed to compile contracts: install it") from missing
    if finished.returncode != 0:
        raise CompileError(f"{finished.stderr.strip()}\nRun: npm ci --prefix tests/clients")
    reply = json.loads(finished.stdout)
    if not reply["version"].startswith(COMPILER + "+"):
        raise CompileError(f"solc is {reply['version']}, not {COMPILER}. Run: npm ci --prefix tests/clients")
    output: Mapping[str, Any] = reply["output"]
    return output


def _own_contracts(
    contracts: Mapping[str, Any], own: Collection[str]
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, by_name in contracts.items():
        if path in own:
            for name, contract in by_name.items():
                if contract["abi"]:  # an internal library is part of whoever uses it
                    yield path, name, contract


def _fields(contract: Mapping[str, Any]) -> dict[str, Any]:
    """The parts worth keeping; empty ones are left out, so an interface is its ABI."""
    code = contract["evm"]["deployedBytecode"]
    fields = {
        "abi": contract["abi"],
        "bytecode": contract["evm"]["bytecode"]["object"],
        "deployedBytecode": code["object"],
        "immutableReferences": sorted(
            [place["start"], place["length"]]
            for places in code.get("immutableReferences", {}).values()
            for place in places
        ),
        "storageLayout": _storage_layout(contract.get("storageLayout", {})),
    }
    return {key: value for key, value in fields.items() if value or key == "abi"}


def _storage_layout(layout: Mapping[str, Any]) -> dict[str, Any]:
    """Without syntax tree numbers, which change with any edit anywhere."""
    if not layout.get("storage"):
        return {}
    text = SYNTAX_TREE_NUMBER.sub(r"\1", json.dumps(layout))
    kept: dict[str, Any] = json.loads(
        text, object_hook=lambda node: {k: v for k, v in node.items() if k not in ("astId", "contract")}
    )
    return kept


def _file_text(fields: Mapping[str, Any]) -> str:
    """One line per field: small, and readable in a diff."""
    lines = (
        f"{json.dumps(key)}:{json.dumps(fields[key], separators=(',', ':'), sort_keys=True)}"
        for key in sorted(fields)
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(names: list[str]) -> int:
    unknown = set(names) - set(SOURCE_SETS)
    if unknown:
        print(
            f"unknown source set {', '.join(sorted(unknown))}; known: {', '.join(SOURCE_SETS)}",
            file=sys.stderr,
        )
        return 2
    for name in names or list(SOURCE_SETS):
        try:
            changed = write_artifacts(SOURCE_SETS[name])
        except CompileError as refused:
            print(f"{name}: {refused}", file=sys.stderr)
            return 1
        print(f"{name}: {changed} files changed in {SOURCE_SETS[name].artifacts}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
