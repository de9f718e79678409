"""The package's functions for the command line; ``skser/__main__.py`` runs them."""

from skser.command_line._arguments import make_parser
from skser.command_line._commands import PROGRAM, UsageError

__all__ = ["PROGRAM", "UsageError", "make_parser"]
