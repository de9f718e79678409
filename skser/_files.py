"""How a file is written as a whole or not at all."""

import os
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path, sync=True):
    """Open a file that takes the place of `path` once it is complete.

    Until the ``with`` block ends, `path` is what it was before, whatever happens:
    an error, a full disk, Ctrl-C or the death of the process. Only the last leaves
    something behind, a file named ``<name>.<random>.unfinished``.

    Parameters
    ----------
    path : str or os.PathLike
        The folder must exist.
    sync : bool, default=True
        Wait until the content is on the disk, so that `path` is whole even after a loss
        of power. That takes longer than all else for small files; those with a checksum
        of their own, that can be made again, need not wait.

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
            if sync:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def make_private_folder(folder):
    """Make a folder that nobody but its owner can look into, if it does not exist.

    Parameters
    ----------
    folder : pathlib.Path
        The folders above are made as any other. One that exists is left as it is.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def remove_unfinished(folder):
    """Remove what processes that were killed while writing have left behind.

    Parameters
    ----------
    folder : pathlib.Path
        Files that are younger than an hour may still be written, and stay.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            # Another process may be as fast, or the disk be read-only.
            with suppress(OSError):
                is_unfinished = entry.name.endswith(".unfinished")
                if is_unfinished and time.time() - entry.stat().st_mtime > 3600:
                    os.unlink(entry.path)
