"""The vote of network and statistics: its parts, and who must be named to it."""

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import LeaveOneGroupOut

from skser.model_selection import evaluate
from skser.systems import (
    attention_blstm_fcn_robust,
    attention_blstm_fcn_robust_transductive,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def transductive(shrink):
    """A small system that does not take a batch for one speaker."""
    system = shrink(attention_blstm_fcn_robust_transductive(random_state=0))
    names = [n for n in system.get_params() if n.endswith("__without_groups")]
    assert len(names) == 2
    return system.set_params(**dict.fromkeys(names, "raise"))


def test_the_penalty_is_that_of_as_many_statistics_as_there_are():
    [(_, network), (_, statistics)] = attention_blstm_fcn_robust()[
        "classify"
    ].estimators
    components, descriptors = [
        pipeline for _, pipeline in statistics["describe"].transformer_list
    ]
    few = components["statistics"]
    n_components = components["rotate"].n_components * (
        len(few.statistics) + len(few.delta_statistics)
    )
    columns = descriptors["features"].get_feature_names_out()
    n_descriptors = len(columns) * 2 * len(descriptors["statistics"].statistics)
    assert n_components + n_descriptors == 3496
    np.testing.assert_allclose(statistics["classify"].C, 30 / 3496)
    assert network["rotate"].whiten is False


def test_posteriors_are_two_thirds_of_the_statistics(shrink, speech):
    system = shrink(attention_blstm_fcn_robust(random_state=0))
    system.fit(speech.paths, speech.target)
    vote, signals = system["classify"], system[:-1].transform(speech.paths[:4])
    network, statistics = (m.predict_proba(signals) for m in vote.estimators_)
    np.testing.assert_allclose(
        system.predict_proba(speech.paths[:4]), (network + 2 * statistics) / 3
    )


def test_who_speaks_must_be_said_to_the_transductive_system(transductive, speech):
    with pytest.raises(ValueError, match="must be told who speaks"):
        transductive.fit(speech.paths, speech.target)


def test_who_speaks_counts_in_the_transductive_system(transductive, speech):
    with sklearn.config_context(enable_metadata_routing=True):
        transductive.fit(speech.paths, speech.target, groups=speech.groups)
        right = transductive.predict_proba(speech.paths, groups=speech.groups)
        mixed = transductive.predict_proba(
            speech.paths, groups=np.roll(speech.groups, 5)
        )
    assert np.abs(right - mixed).max() > 1e-3


def test_an_evaluation_names_the_speakers_to_the_transductive_system(
    transductive, speech
):
    result = evaluate(transductive, speech, LeaveOneGroupOut())
    assert len(result.predicted) == len(speech.paths)
    assert result.posteriors is not None
