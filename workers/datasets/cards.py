"""What a dataset folder's card says of its files, in the YAML at its top."""

from fnmatch import fnmatch
from typing import Any

from workers.errors import InvalidInputError

CARD = "README.md"


def card_header(card: bytes) -> dict[str, Any]:
    """The YAML at the top of a card; empty when there is none. Raises InvalidInputError."""
    text = card.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    if not text.startswith("---\n") or "\n---" not in text[4:]:
        return {}
    import yaml  # noqa: PLC0415 - only cards need it

    try:
        header = yaml.safe_load(text[4:].split("\n---", 1)[0])
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{CARD}: {' '.join(str(error).split())}") from error
    return header if isinstance(header, dict) else {}


def named_by_card(files: dict[str, bytes], split: str) -> list[str]:
    """The split's files in order; none where the card says nothing. Raises InvalidInputError."""
    patterns = _patterns(card_header(files[CARD]), split)
    found = [name for pattern in patterns for name in sorted(files) if _fits(name, pattern)]
    if patterns and not found:
        raise InvalidInputError(f"{CARD} names {', '.join(patterns)}: there is no such file in the upload")
    return found


def _fits(name: str, pattern: str) -> bool:
    return fnmatch(name, pattern.removeprefix("./").replace("**/", "*"))


def _patterns(header: dict[str, Any], split: str) -> list[str]:
    configs = header.get("configs")
    if not isinstance(configs, list) or not configs or not isinstance(configs[0], dict):
        return []
    entries = configs[0].get("data_files")
    if isinstance(entries, dict):
        entries = [{"split": name, "path": path} for name, path in entries.items()]
    if isinstance(entries, str):
        return [entries]
    if not isinstance(entries, list):
        return []
    splits = {str(entry.get("split")) for entry in entries if isinstance(entry, dict)}
    if splits and split not in splits and all(isinstance(entry, dict) for entry in entries):
        raise InvalidInputError(f"{CARD} has no split {split!r}, only {', '.join(sorted(splits))}: name one")
    paths = [
        entry.get("path") if isinstance(entry, dict) else entry
        for entry in entries
        if not isinstance(entry, dict) or str(entry.get("split")) == split
    ]
    named = [path for each in paths for path in (each if isinstance(each, list) else [each]) if path]
    if wrong := next((path for path in named if not isinstance(path, str)), None):
        raise InvalidInputError(f"{CARD}: data_files names {wrong!r}, which is not a path")
    return named
