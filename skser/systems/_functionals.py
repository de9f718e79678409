"""What most people use today: openSMILE functionals and a support vector machine."""

from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skser.audio import AudioLoader
from skser.features import OpenSmileFunctionals
from skser.metrics import SCORERS
from skser.normalization import SpeakerNormalizer


def egemaps_svm(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return eGeMAPS functionals with a linear support vector machine, not yet fitted.

    88 functionals of the recording [1]_, standardised by the training recordings, go to
    a linear support vector machine with balanced class weights. Needs ``pip install
    skser[opensmile]``.

    Parameters
    ----------
    input_sample_rate : int, default=None
        Sample rate of the waveforms, if the system is given waveforms rather than
        paths.
    n_jobs : int, default=None
        Number of threads for decoding and functionals.
    random_state : int, RandomState instance or None, default=None
        Without effect: nothing here is random.
    verbose : int, default=0
        Passed to the support vector machine.
    memory : str or joblib.Memory, default=None
        Where the Pipeline keeps the results of its transformers.

    Returns
    -------
    system : sklearn.pipeline.Pipeline
        With the steps "load", "features", "scale" and "classify".

    Notes
    -----
    The penalty is ``C = 1 / n_functionals``: a standardised row has about that squared
    norm, so that every set of functionals meets a machine of equal stiffness. It
    was not chosen on any corpus; search ``classify__C`` for your own.

    References
    ----------
    .. [1] F. Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for
       voice research and affective computing", IEEE Transactions on Affective
       Computing 7(2), 2016.

    Examples
    --------
    >>> from skser.systems import egemaps_svm
    >>> list(egemaps_svm().named_steps)
    ['load', 'features', 'scale', 'classify']
    """
    machine = _machine(C=1 / 88, verbose=verbose)
    return _functionals("eGeMAPS", machine, input_sample_rate, n_jobs, memory)


def compare_svm(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return ComParE 2016 functionals with a linear support vector machine.

    As :func:`egemaps_svm`, whose parameters it takes, with the 6373 functionals of the
    Computational Paralinguistics Challenge [1]_.

    References
    ----------
    .. [1] B. Schuller et al., "The Interspeech 2016 computational paralinguistics
       challenge: deception, sincerity and native language", Interspeech 2016.

    Examples
    --------
    >>> from skser.systems import compare_svm
    >>> compare_svm()["features"].feature_set
    'ComParE'
    """
    machine = _machine(C=1 / 6373, verbose=verbose)
    return _functionals("ComParE", machine, input_sample_rate, n_jobs, memory)


def compare_svm_transductive(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return ComParE functionals, normalised by speaker, with a support vector machine.

    As :func:`compare_svm`, whose parameters it takes, except that the functionals of
    each speaker are moved to the mean and deviation of the training speakers, by
    :class:`~skser.normalization.SpeakerNormalizer`. **Transductive**: it needs other
    recordings of the speaker that it is tested on. What
    :func:`attention_blstm_fcn_robust_transductive` says of `groups` holds here, too.

    Examples
    --------
    >>> from skser.systems import compare_svm_transductive
    >>> list(compare_svm_transductive().named_steps)
    ['load', 'features', 'speakers', 'scale', 'classify']
    """
    system = compare_svm(
        input_sample_rate=input_sample_rate,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
        memory=memory,
    )
    system.steps.insert(2, ("speakers", SpeakerNormalizer()))
    return system


def mec2017_svm(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return our reading of the MEC 2017 baseline: functionals and a tuned machine.

    The organisers' baseline of the audio part was a support vector machine [1]_; which
    features, kernel and penalty it had could not be found. Here these are the 88
    functionals of eGeMAPS and a linear kernel, with the penalty that has the highest UA
    in three folds of the training recordings. The parameters are those of
    :func:`egemaps_svm`.

    Notes
    -----
    The folds that choose the penalty mix speakers, because a system must be fit for use
    without speakers' names; they lie within the training recordings. To separate
    speakers there as well, set ``classify__cv=GroupKFold(3)`` and pass ``groups``.

    References
    ----------
    .. [1] Y. Li, J. Tao, B. Schuller, S. Shan, D. Jiang and J. Jia, "MEC 2017:
       Multimodal emotion recognition challenge", ACII Asia 2018.

    Examples
    --------
    >>> from skser.systems import mec2017_svm
    >>> mec2017_svm()["classify"].param_grid
    {'C': [1e-05, 0.0001, 0.001, 0.01, 0.1, 1.0]}
    """
    machine = GridSearchCV(
        _machine(C=1.0, verbose=0),
        {"C": [10.0**exponent for exponent in range(-5, 1)]},
        scoring=SCORERS["UA"],
        cv=3,
        verbose=verbose,
    )
    return _functionals("eGeMAPS", machine, input_sample_rate, n_jobs, memory)


def _machine(*, C, verbose):
    """Return a linear support vector machine that counts all classes alike."""
    return SVC(kernel="linear", C=C, class_weight="balanced", verbose=bool(verbose))


def _functionals(feature_set, machine, input_sample_rate, n_jobs, memory):
    """Return the Pipeline from recordings over functionals to a machine."""
    steps = [
        ("load", AudioLoader(input_sample_rate=input_sample_rate, n_jobs=n_jobs)),
        ("features", OpenSmileFunctionals(feature_set, n_jobs=n_jobs)),
        ("scale", StandardScaler()),
        ("classify", machine),
    ]
    return Pipeline(steps, memory=memory)
