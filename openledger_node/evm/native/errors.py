"""What a precompile says to input it must refuse."""


class InvalidInputError(ValueError):
    """Not the encoding of what it should be. The frame fails and loses its gas; the engine catches it."""
