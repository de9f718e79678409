"""From fitted systems to files that cannot run code, and back."""

from skser.persistence._saving import load, save

__all__ = ["load", "save"]
