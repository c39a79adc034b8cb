"""The house: puts the organs together and faces users."""

__version__ = "0.1.0"
