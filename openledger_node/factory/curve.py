"""How the course of a training is shown in a line of text."""

from collections.abc import Mapping, Sequence
from typing import Any

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 40
COURSES = {"losses": ("loss",), "rewards": ("margin", "accuracy")}
"""Keys of a run or its result that hold points, and what is drawn of them."""


def with_curves(found: Any) -> Any:
    """A run as somebody reads it: points as lines of bars with the first and the last value."""
    if isinstance(found, Mapping):
        shown: dict[str, Any] = {}
        for key, value in found.items():
            if key in COURSES and isinstance(value, Sequence) and value:
                shown |= {f"{name}_curve": curve(value, name) for name in COURSES[key]}
            else:
                shown[key] = with_curves(value)
        return shown
    return found


def curve(points: Sequence[Mapping[str, Any]], name: str) -> str:
    """At most WIDTH bars between the least and the greatest value, means of equal stretches of points."""
    values = [float(point[name]) for point in points if name in point]
    if not values:
        return "-"
    width = -(-len(values) // WIDTH)
    stretches = [values[first : first + width] for first in range(0, len(values), width)]
    means = [sum(part) / len(part) for part in stretches]
    least, span = min(means), max(means) - min(means)
    bars = "".join(BARS[round((mean - least) / span * (len(BARS) - 1)) if span else 0] for mean in means)
    return f"{bars} {values[0]:.4g} to {values[-1]:.4g}"
