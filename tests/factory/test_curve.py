"""The course of a training as a line of bars."""

from openledger_node.factory.curve import BARS, WIDTH, curve, with_curves


def points(*values: float) -> list[dict[str, float]]:
    return [{"step": place, "loss": value} for place, value in enumerate(values)]


def test_a_falling_loss_falls() -> None:
    assert curve(points(*range(8, 0, -1)), "loss") == f"{BARS[::-1]} 8 to 1"
    bars, _, rest = curve(points(*[1000 - step for step in range(1000)]), "loss").partition(" ")
    assert len(bars) == WIDTH
    assert bars == "".join(sorted(bars, reverse=True))
    assert rest == "1000 to 1"


def test_one_point_and_none() -> None:
    assert curve(points(4.0), "loss") == f"{BARS[0]} 4 to 4"
    assert curve(points(4.0), "margin") == "-"


def test_points_become_lines_wherever_they_stand() -> None:
    run = {
        "id": "ab",
        "losses": points(2, 1),
        "result": {"losses": [], "rewards": [{"step": 1, "margin": -1.0, "accuracy": 0.5}]},
    }
    shown = with_curves(run)
    assert shown["loss_curve"].endswith("2 to 1")
    assert shown["result"] == {"losses": [], "margin_curve": "▁ -1 to -1", "accuracy_curve": "▁ 0.5 to 0.5"}
