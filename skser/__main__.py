"""The program ``python -m skser``: it runs a command, reports errors, and exits.

Results go to the standard output, everything else to the standard error, so that
output can be piped. What the subcommands do is in ``command_line``.
"""

import os
import sys
import traceback
import warnings
from contextlib import redirect_stdout

from skser import __version__

_FAILED, _MISUSED, _INTERRUPTED = 1, 2, 130
# What the package raises on purpose. Anything else is a mistake in a program.
_EXPECTED_ERRORS = (ImportError, OSError, RuntimeError, TypeError, ValueError)


def main(arguments: list[str] | None = None) -> int:
    """Run one command of the command line.

    Parameters
    ----------
    arguments : list of str, default=None
        What is typed behind ``python -m skser``; None takes it from ``sys.argv``.

    Returns
    -------
    code : int
        For the shell: 0 if all went well, 1 if data or a system failed, 2 if the
        command was wrong, 130 after Ctrl-C.

    Raises
    ------
    SystemExit
        With the code 2 if the arguments cannot be understood, and 0 after ``--help``
        and ``--version``.

    Examples
    --------
    >>> from skser.__main__ import main
    >>> main(["list", "ivector"])
    load__input_sample_rate=None
    ...
    0
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments == ["--version"]:
        print(f"skser {__version__}")
        sys.exit(0)
    # Here, so that the version is told without scikit-learn, which takes a second.
    from skser._compat import InvalidParameterError
    from skser.command_line import UsageError, as_typed, make_parser

    misuses = (UsageError, InvalidParameterError)
    options = make_parser().parse_args(arguments)
    with warnings.catch_warnings():
        # As a line, without the source code that has issued it.
        warnings.showwarning = lambda message, *_: _say(
            f"warning: {as_typed(str(message), options)}"
        )
        try:
            _run(options)
        except KeyboardInterrupt:
            kept = "Nothing was written."
            if getattr(options, "checkpoint", None) is not None:
                kept = (
                    f"Finished folds are kept in {options.checkpoint!r}: the same "
                    "command goes on where it was."
                )
            elif hasattr(options, "checkpoint"):
                kept = (
                    "Nothing was kept. With --checkpoint FOLDER, finished folds are, "
                    "and the same command goes on where it was."
                )
            _say(f"interrupted. {kept}")
            return _INTERRUPTED
        except BrokenPipeError:
            # Whoever reads has had enough, for instance ``head``. Python would
            # complain again when it closes the output.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return _FAILED
        # Whatever a system raises: one line for who uses it, all of it on demand.
        except Exception as error:
            if options.traceback:
                traceback.print_exc()
            _say(f"error: {as_typed(_describe(error), options)}")
            return _MISUSED if isinstance(error, misuses) else _FAILED
    return 0


def _run(options):
    """Run a command; print its result once all is done, or write it to a file."""
    # What the package prints itself is progress.
    with redirect_stdout(sys.stderr):
        result = options.run(options)
    if not result:
        return
    # In UTF-8, whatever the terminal or the pipe is said to take: a result must not be
    # lost for one character. File names need not be text in UTF-8: they stay as they
    # are.
    content = result.encode("utf-8", errors="surrogateescape")
    if getattr(options, "output", None) is not None:
        from skser.storage import replacing

        with replacing(options.output) as file:
            file.write(content)
        if not options.quiet:
            print(f"Written: {options.output}", file=sys.stderr, flush=True)
    elif hasattr(sys.stdout, "buffer"):
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        print(result, end="", flush=True)


def _say(text):
    """Write a line of the program's own to the standard error."""
    from skser.command_line import PROGRAM

    print(f"{PROGRAM}: {text}", file=sys.stderr, flush=True)


def _describe(error):
    """Return what is wrong, and what to do about it."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {error.filename!r}. Check the path and its rights."
    if isinstance(error, _EXPECTED_ERRORS) and str(error):
        return str(error)
    return f"{type(error).__name__}: {error} (--traceback shows where it happened)"


if __name__ == "__main__":
    sys.exit(main())
