"""What is known of each recording of a corpus: entries, as columns of a table."""

import numpy as np

# Entry of a corpus -> column of its table; other entries keep their names.
COLUMNS = {
    "paths": "file",
    "target": "label",
    "groups": "speaker",
    "sessions": "session",
    "text_ids": "text_id",
    "splits": "split",
}
# Entries that may by chance have as many items as there are recordings.
OF_THE_CORPUS = {"target_names", "expected_counts", "name", "DESCR"}
# What an evaluation keeps in other ways, or whose names its own tables have.
_KEPT_ELSEWHERE = {"paths", "data", "target", "groups", "frame", *OF_THE_CORPUS}
RESERVED = ("file", "speaker", "fold", "seed", "target", "true", "predicted")


def list_columns(corpus, n_samples):
    """Return what a corpus knows of each recording beside emotion and speaker.

    Parameters
    ----------
    corpus : mapping
    n_samples : int

    Returns
    -------
    columns : dict of str to list
        By the names that they have in a table; see `COLUMNS`. Only texts, numbers and
        truth values are taken; None stands for NaN.

    Examples
    --------
    >>> from skser._columns import list_columns
    >>> list_columns({"target": ["joy", "fear"], "text_ids": ["a", "b"], "rate": 8}, 2)
    {'text_id': ['a', 'b']}
    """
    columns = {}
    for key, values in corpus.items():
        name = COLUMNS.get(key, key)
        is_sequence = isinstance(values, (list, tuple, np.ndarray))
        if key in _KEPT_ELSEWHERE or name in RESERVED or not is_sequence:
            continue
        is_table = isinstance(values, np.ndarray) and values.ndim != 1
        if not is_table and len(values) == n_samples:
            plain = _as_plain(values)
            if plain is not None:
                columns[name] = plain
    return columns


def check_columns(columns, n_samples):
    """Return columns that a user names, or say what is wrong with them.

    Parameters
    ----------
    columns : mapping of str to sequence, or pandas.DataFrame, or None
    n_samples : int

    Returns
    -------
    columns : dict of str to list

    Raises
    ------
    ValueError
    """
    checked = {}
    for name, values in ({} if columns is None else columns).items():
        if name in RESERVED:
            raise ValueError(
                f"columns must not name one {name!r}, which results have already; "
                f"reserved are {', '.join(RESERVED)}. Give it another name."
            )
        if isinstance(values, str) or len(values) != n_samples:
            raise ValueError(
                f"The column {name!r} of columns must have a value for each of the "
                f"{n_samples} recordings, got {values!r:.80}."
            )
        plain = _as_plain(values)
        if plain is None:
            raise ValueError(
                f"The column {name!r} of columns must hold texts, numbers or truth "
                f"values, got {next(iter(values))!r:.80}."
            )
        checked[str(name)] = plain
    return checked


def _as_plain(values):
    """Return values as Python's own, NaN as None; or None if they are others."""
    # Element by element: of a mixed list NumPy would make texts.
    plain = [value.item() if hasattr(value, "item") else value for value in values]
    if not all(isinstance(value, (str, int, float, type(None))) for value in plain):
        return None
    return [None if value != value else value for value in plain]
