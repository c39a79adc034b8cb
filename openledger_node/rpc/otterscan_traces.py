"""A call trace as Otterscan shows it: one flat list of calls, and the transfers and creations inside."""

from collections.abc import Iterator

from openledger_node.rpc.encode import Json

_TRANSFER, _SELF_DESTRUCT, _CREATE, _CREATE2 = range(4)
_CREATIONS = {"CREATE": _CREATE, "CREATE2": _CREATE2}


def _frames(trace: Json) -> Iterator[tuple[int, Json]]:
    """(depth, frame) in the order they began."""
    waiting = [(0, trace)]
    while waiting:
        depth, frame = waiting.pop()
        yield depth, frame
        waiting += [(depth + 1, call) for call in reversed(frame.get("calls", ()))]


def flattened(trace: Json) -> list[Json]:
    """Every call of a callTracer result."""
    return [
        {
            "type": frame["type"],
            "depth": depth,
            "from": frame["from"],
            "to": frame.get("to"),
            "value": frame.get("value"),
            "input": frame["input"],
            "output": frame.get("output", "0x"),
        }
        for depth, frame in _frames(trace)
    ]


def internal_operations(trace: Json) -> list[Json]:
    """Ether that moved and contracts that came or went under the transaction's own call."""
    operations = []
    failed_above: list[int] = []
    for depth, frame in _frames(trace):
        while failed_above and failed_above[-1] >= depth:
            failed_above.pop()
        if "error" in frame:
            failed_above.append(depth)
        kind = _operation(frame)
        if depth and kind is not None and not failed_above:
            operations.append(
                {
                    "type": kind,
                    "from": frame["from"],
                    "to": frame.get("to"),
                    "value": frame.get("value", "0x0"),
                }
            )
    return operations


def _operation(frame: Json) -> int | None:
    if frame["type"] in _CREATIONS:
        return _CREATIONS[frame["type"]]
    if frame["type"] == "SELFDESTRUCT":
        return _SELF_DESTRUCT
    return _TRANSFER if frame["type"] == "CALL" and int(frame.get("value", "0x0"), 16) else None
