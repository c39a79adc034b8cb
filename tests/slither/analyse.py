"""What slither finds in our Solidity: run by the Python of slither's own environment, prints JSON.

`make .cache/slither/.installed` installs it; `tests/slither/test_findings.py` compares with `explained.json`.
The compiler is that of `tests/clients`, through Foundry's shim.
"""

import json
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# mypy: disable-error-code="import-not-found"
# slither is in another environment than mypy.
from crytic_compile import CryticCompile
from crytic_compile.platform.solc_standard_json import SolcStandardJson
from slither import Slither
from slither.detectors import all_detectors
from slither.detectors.abstract_detector import AbstractDetector, DetectorClassification

REPOSITORY = Path(__file__).resolve().parents[2]
COMPILER = REPOSITORY / "tests" / "forge" / "solc"
PACKAGES = "tests/clients/node_modules/"
REMAPPING = f"@openzeppelin/={PACKAGES}@openzeppelin/"
IMPORT = re.compile(r"""^\s*import\b[^;"']*["']([^"']+)["']""", re.MULTILINE)
SERIOUS = (DetectorClassification.HIGH, DetectorClassification.MEDIUM, DetectorClassification.LOW)
"""Style, optimisation and informational detectors are left to the compiler and reviewers."""

FOLDERS = {
    "l2": ("genesis/contracts",),
    "l1": ("rollup_bridge/contracts", "rollup_bridge/contracts/bridge"),
    "twins": ("precompiles/solidity/twins",),
}


def with_imports(paths: Iterable[str]) -> dict[str, str]:
    """Path to text of the sources and everything they import, relative to the repository."""
    found: dict[str, str] = {}
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = (REPOSITORY / path).read_text()
        waiting += [resolved(path, name) for name in IMPORT.findall(found[path])]
    return found


def resolved(importer: str, name: str) -> str:
    """The repository path that an import names."""
    if not name.startswith("."):
        return PACKAGES + name
    return os.path.normpath(Path(importer).parent / name)


def findings(folders: Iterable[str]) -> list[dict[str, str]]:
    """Every serious finding in our own sources: what was looked for, where, and what slither says."""
    own = [
        path.relative_to(REPOSITORY).as_posix()
        for folder in folders
        for path in sorted((REPOSITORY / folder).glob("*.sol"))
    ]
    project = SolcStandardJson(
        {
            "language": "Solidity",
            "sources": {path: {"content": text} for path, text in with_imports(own).items()},
            "settings": {"remappings": [REMAPPING], "evmVersion": "cancun"},
        }
    )
    slither = Slither(CryticCompile(project, solc=str(COMPILER)))
    for detector in detectors():
        slither.register_detector(detector)
    results = [finding for found in slither.run_detectors() for finding in found]
    seen = {
        (finding["check"], place(finding)): finding["description"].strip().splitlines()[0]
        for finding in results
        if finding["elements"] and is_own(finding["elements"][0], own)
    }
    return [{"check": check, "where": where, "says": says} for (check, where), says in sorted(seen.items())]


def detectors() -> list[Any]:
    found: list[Any] = [getattr(all_detectors, name) for name in dir(all_detectors)]
    kinds = [each for each in found if isinstance(each, type) and issubclass(each, AbstractDetector)]
    return [kind for kind in kinds if getattr(kind, "IMPACT", None) in SERIOUS]


def is_own(element: dict[str, Any], own: list[str]) -> bool:
    return bool(element["source_mapping"]["filename_relative"] in own)


def place(finding: dict[str, Any]) -> str:
    """Contract and function (or variable) of a finding: what edits elsewhere do not move."""
    element = finding["elements"][0]
    fields = element.get("type_specific_fields", {})
    names = [element["name"]]
    while parent := fields.get("parent"):
        if parent["type"] not in {"contract", "function"}:
            break
        names.append(parent["name"])
        fields = parent.get("type_specific_fields", {})
    if element["type"] not in {"contract", "function", "variable", "event", "struct"}:
        names = names[1:]
    return ".".join(reversed(names))


if __name__ == "__main__":
    wanted = sys.argv[1:] or list(FOLDERS)
    print(json.dumps({name: findings(FOLDERS[name]) for name in wanted}, indent=1))
