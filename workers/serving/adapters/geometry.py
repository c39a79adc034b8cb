"""Where adapters attach: a block's seven projections, joined into the four products that are computed."""

from dataclasses import dataclass

from workers.serving.model.shape import ModelShape


@dataclass(frozen=True, slots=True)
class Product:
    """One matrix product with `inputs` columns; `parts` are its projections in order and their widths."""

    inputs: int
    parts: tuple[tuple[str, int], ...]

    @property
    def outputs(self) -> int:
        """Width of all parts together."""
        return sum(width for _name, width in self.parts)

    @property
    def bounds(self) -> tuple[tuple[int, int], ...]:
        """First and last (exclusive) output of each part."""
        ends = [sum(width for _name, width in self.parts[: number + 1]) for number in range(len(self.parts))]
        return tuple(zip([0, *ends[:-1]], ends, strict=True))


def products_of(shape: ModelShape) -> tuple[Product, ...]:
    """The products in the order of `transformer.QKV`, `OUTPUT`, `GATE_UP`, `DOWN`."""
    key_value = shape.key_value_width
    return (
        Product(
            shape.hidden,
            (
                ("self_attn.q_proj", shape.query_width),
                ("self_attn.k_proj", key_value),
                ("self_attn.v_proj", key_value),
            ),
        ),
        Product(shape.query_width, (("self_attn.o_proj", shape.hidden),)),
        Product(shape.hidden, (("mlp.gate_proj", shape.intermediate), ("mlp.up_proj", shape.intermediate))),
        Product(shape.intermediate, (("mlp.down_proj", shape.hidden),)),
    )


def places_of(products: tuple[Product, ...]) -> dict[str, tuple[int, int]]:
    """Which product and which part of it a projection is, by module name."""
    return {
        name: (number, part)
        for number, product in enumerate(products)
        for part, (name, _width) in enumerate(product.parts)
    }
