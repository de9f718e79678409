"""Features of frames side by side: the 743, and those of your own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import get_tags

from skser._base import ListTransformer, learning_steps, list_steps
from skser._compat import BaseUnion
from skser._sequences import Batch, check_is_sequence, check_numeric_array
from skser.features._context import FrameAveraging


class FrameUnion(BaseUnion, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Put the features that several transformers give of each frame side by side.

    scikit-learn's :class:`~sklearn.pipeline.FeatureUnion` for lists of arrays of shape
    (n_frames, n_features): each member takes the same input, and the columns of the
    first come first.

    Parameters
    ----------
    transformer_list : list of (str, transformer)
        The members and their names. All take the same input, such as the frames of
        :class:`~skser.framing.Framer`, and give as many frames as each other for every
        utterance. A member can be a Pipeline; "drop", which leaves it out; or
        "passthrough", the input itself if that is features of frames.
    n_jobs : int, default=None
        Number of processes over members; None is 1, -1 is all processors.
    verbose : bool, default=False
        Whether to print how long the `fit` of each member took.
    verbose_feature_names_out : bool, default=True
        Whether columns are named ``member__column``. If False, they keep the names that
        they have in the members, which must differ then.

    Attributes
    ----------
    named_transformers : sklearn.utils.Bunch
        The members by name.

    See Also
    --------
    sklearn.pipeline.FeatureUnion : For rows, such as those of `FrameStatistics`.

    Notes
    -----
    `fit` fits the members themselves, as FeatureUnion does. The union's tag
    ``requires_fit`` is False if no member learns anything, so that
    :func:`skser.systems.split_front_end` counts it among the front end.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from skser import AcousticFeatures, frame
    >>> from skser.features import FrameUnion
    >>> def find_peaks(utterances):
    ...     return [abs(frames).max(axis=1, keepdims=True) for frames in utterances]
    >>> union = FrameUnion([
    ...     ("yaafe", AcousticFeatures(["ZCR", "Energy"])),
    ...     ("mine", FunctionTransformer(find_peaks)),
    ... ])
    >>> frames = frame(np.sin(np.arange(3000.0)))
    >>> union.fit_transform([frames])[0].shape
    (6, 3)
    """

    # A list times a number is the list repeated: members are scaled behind the union.
    transformer_weights = None

    def __init__(
        self,
        transformer_list: list[tuple[str, Any]],
        *,
        n_jobs: int | None = None,
        verbose: bool = False,
        verbose_feature_names_out: bool = True,
    ):
        self.transformer_list = transformer_list
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.verbose_feature_names_out = verbose_feature_names_out

    set_output = ListTransformer.set_output

    def transform(self, X: Sequence | ArrayLike, **params: Any) -> Any:
        """Transform each utterance by every member.

        Parameters
        ----------
        X : list of array-like, or array-like
            As the members take it.
        **params : dict
            What scikit-learn's metadata routing passes to the members.

        Returns
        -------
        X_new : list of ndarray of shape (n_frames, n_features_out), or ndarray
            Of a dtype that holds what each member gives: float32 beside float64 is
            float64. An array for a two-dimensional `X`.

        Raises
        ------
        ValueError
            If members give another number of frames for an utterance.
        TypeError, ValueError
            If a member gives anything else than arrays of frames; and those of the
            members.
        """
        return super().transform(X, **params)

    def _join(self, results):
        """Return the members' frames side by side."""
        rows = [name for name, r in results.items() if getattr(r, "ndim", 0) == 2]
        if rows and len(rows) < len(results):
            raise ValueError(
                "FrameUnion joins features of frames, a list of one array per "
                f"utterance, but {rows[0]!r} gives a table of one row per utterance. "
                "Join rows by sklearn.pipeline.FeatureUnion, with FrameStatistics "
                "behind the members that give frames."
            )
        for name, result in results.items():
            check_is_sequence(result, f"What {name!r} gives")
        _check_lengths(results, "X", "utterances")
        if rows:
            return np.hstack([np.asarray(result) for result in results.values()])
        return Batch(
            _join_frames(dict(zip(results, parts, strict=True)), f"X[{i}]")
            for i, parts in enumerate(zip(*results.values(), strict=True))
        )

    def _pass_through(self):
        """Return what gives frames as they are, and counts their features."""
        return FrameAveraging(1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        members = [m for _, m in self.transformer_list if not isinstance(m, str)]
        tags.requires_fit = any(map(learning_steps, members))
        first_steps = [step for member in members[:1] for step in list_steps(member)]
        if first_steps:
            tags.input_tags = get_tags(first_steps[0]).input_tags
        return tags


def _join_frames(parts, place):
    """Return what members give of one utterance, by their names, side by side."""
    axes = "(n_frames, n_features)"
    parts = {
        name: check_numeric_array(part, f"What {name!r} gives of {place}", 2, axes)
        for name, part in parts.items()
    }
    _check_lengths(parts, place, "frames")
    return np.concatenate(list(parts.values()), axis=1)


def _check_lengths(parts, place, unit):
    """Insist on as many frames, or utterances, from each member."""
    lengths = {name: len(part) for name, part in parts.items()}
    if len(set(lengths.values())) == 1:
        return
    given = ", ".join(f"{length} by {name!r}" for name, length in lengths.items())
    advice = "A transformer returns one array for each utterance, in their order"
    if unit == "frames":
        shortest, longest = min(lengths.values()), max(lengths.values())
        ratio = round(longest / shortest)
        advice = (
            "Give all members the same frames: one Framer in front of the union, or "
            "one hop_length. A member that leaves out the first or last frames has to "
            "give them, too"
        )
        if ratio > 1:
            fine = ", ".join(repr(n) for n in lengths if lengths[n] == longest)
            advice += f". FrameAveraging({ratio}) behind {fine} helps"
    raise ValueError(
        f"Members of a FrameUnion must give as many {unit} as each other, but of "
        f"{place} they give {given} {unit}. {advice}."
    )
