"""What a run's progress message says, as fields: the inverse of the trainer's sentence."""

import re
from typing import Any

_MESSAGE = re.compile(
    r"step (?P<step>\d+) of (?P<steps>\d+), loss (?P<loss>[\d.]+)"
    r"(, margin (?P<margin>-?[\d.]+), accuracy (?P<accuracy>[\d.]+))?"
    r", (?P<tokens_per_s>\d+) tokens/s, (?P<seconds_left>\d+) s left"
)


def fields_of(message: str) -> dict[str, Any]:
    """`step`, `steps`, `loss`, `tokens_per_s`, `seconds_left`, of preferences `margin` and `accuracy` too;
    empty for another kind of message."""
    found = _MESSAGE.fullmatch(message)
    if found is None:
        return {}
    rewards = {name: float(found[name]) for name in ("margin", "accuracy") if found[name]}
    return {
        **rewards,
        "step": int(found["step"]),
        "steps": int(found["steps"]),
        "loss": float(found["loss"]),
        "tokens_per_s": int(found["tokens_per_s"]),
        "seconds_left": int(found["seconds_left"]),
    }
