"""Whole systems, from recordings to labels: the paper's, its baselines, ours.

``SYSTEMS`` has a function for each, and each can be imported by its name.
"""

from typing import TYPE_CHECKING

from skser.systems._make import SYSTEMS, make_system, split_front_end
from skser.systems._rows import OWN, PUBLISHED, Published
from skser.systems._steps import N_COMPONENTS

globals().update(SYSTEMS)

if TYPE_CHECKING:
    from skser.systems._make import SystemFunction

    def __getattr__(name: str) -> SystemFunction:
        """Return a function of SYSTEMS: what type checkers cannot see above."""


__all__ = [
    "N_COMPONENTS",
    "OWN",
    "PUBLISHED",
    "SYSTEMS",
    "Published",
    "make_system",
    "split_front_end",
    *SYSTEMS,
]
