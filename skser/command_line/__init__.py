"""The command line (argparse): ``skser/__main__.py`` runs it."""

from skser.command_line._arguments import make_parser
from skser.command_line._commands import PROGRAM, UsageError, as_typed

__all__ = ["PROGRAM", "UsageError", "as_typed", "make_parser"]
