"""One vocabulary of emotions for several corpora: synonyms, and the classes they share.

The names are those of the loaders of :mod:`skser.datasets`.
"""

from collections.abc import Mapping
from types import MappingProxyType

# Emotion -> other names of it in corpora, all in lower case. Names that some corpora
# tell apart are not merged: excitement, frustration, contempt, anxiety, worry.
SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "anger": ("angry", "ang", "mad"),
        "boredom": ("bored", "boring", "bor"),
        "calm": ("calmness",),
        "disgust": ("disgusted", "dis"),
        "fear": ("fearful", "afraid", "scared", "fea"),
        "happiness": ("happy", "joy", "joyful", "hap"),
        "neutral": ("neutrality", "neu"),
        "sadness": ("sad",),
        "surprise": ("surprised", "sur", "pleasant surprise"),
    }
)
# What a network learns of a rating from 1 to 5.
RATING_LEVELS = ("low", "medium", "high")
_EMOTIONS = {
    name: emotion for emotion, names in SYNONYMS.items() for name in (emotion, *names)
}


def map_labels(targets, mapping=None):
    """Find the class that each label of each corpus stands for, or None for none.

    Parameters
    ----------
    targets : dict of str to list
        The labels of the recordings of each corpus.
    mapping : dict of str to dict, default=None
        Corpus -> label -> class, or None to drop the label. Labels that it does not
        name, and corpora, go through :data:`SYNONYMS`.

    Returns
    -------
    classes : list of str
        Those that occur in every corpus, sorted.
    mappings : dict of str to dict
        Corpus -> label -> one of `classes`, or None.

    Raises
    ------
    ValueError
        If `mapping` names a corpus or a label that there is not, or fewer than two
        classes are shared.

    Examples
    --------
    >>> from skser._labels import map_labels
    >>> targets = {"first": ["joy", "Sad", "calm"], "second": ["happy", "sadness"]}
    >>> classes, mappings = map_labels(targets)
    >>> classes
    ['happiness', 'sadness']
    >>> mappings["first"]
    {'Sad': 'sadness', 'calm': None, 'joy': 'happiness'}
    """
    mapping = {} if mapping is None else mapping
    unknown = sorted(set(mapping) - set(targets), key=str)
    if unknown:
        raise ValueError(
            f"mapping names the corpus {unknown[0]!r}, but there are {list(targets)}."
        )
    mappings = {
        name: _map_one(name, sorted(set(labels), key=str), mapping.get(name) or {})
        for name, labels in targets.items()
    }
    kept = [set(one.values()) - {None} for one in mappings.values()]
    classes = sorted(set.intersection(*kept), key=str)
    if len(classes) < 2:
        labels = [
            f"{name}: {', '.join(map(str, one))}" for name, one in mappings.items()
        ]
        raise ValueError(
            f"The corpora share {len(classes)} class(es), and two are needed. Their "
            f"labels: {'; '.join(labels)}. Say which mean the same with "
            "mapping={corpus: {label: class}}."
        )
    if len({isinstance(label, str) for label in classes}) > 1:
        raise ValueError(f"Classes must be all texts or all numbers, got {classes}.")
    for one in mappings.values():
        one.update({label: None for label in one if one[label] not in classes})
    return classes, mappings


def _map_one(corpus, labels, mapping):
    """Return the class of each label of a corpus."""
    unknown = sorted(set(mapping) - set(labels), key=str)
    if unknown:
        raise ValueError(
            f"mapping[{corpus!r}] names the label {unknown[0]!r}, but {corpus} has "
            f"{', '.join(map(repr, labels))}."
        )
    usual = {
        label: _EMOTIONS.get(str(label).strip().casefold(), label) for label in labels
    }
    return usual | dict(mapping)
