"""How a file is written as a whole or not at all."""

import os
import uuid
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path):
    """Open a file that takes the place of `path` once it is complete.

    Until the ``with`` block ends, `path` is what it was before, whatever happens:
    an error, a full disk, Ctrl-C or the death of the process. Only the last leaves
    something behind, a file named ``<name>.<random>.unfinished``.

    Parameters
    ----------
    path : str or os.PathLike
        The folder must exist.

    Yields
    ------
    file : binary file
        For writing and reading.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "answer"
    >>> with replacing(path) as file:
    ...     _ = file.write(b"42")
    ...     path.exists()
    False
    >>> path.read_bytes()
    b'42'
    """
    path = Path(path)
    # In the same folder, since a file cannot be renamed from one disk to another.
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.unfinished")
    try:
        with open(temporary, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
