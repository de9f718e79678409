"""Whole systems, from recordings to labels or numbers: the paper's, baselines, ours.

``SYSTEMS`` has a function for each, and each can be imported by its name.
"""

from typing import TYPE_CHECKING

from skser.systems._make import (
    SYSTEMS,
    list_systems,
    make_system,
    split_front_end,
)
from skser.systems._rows import OWN, PUBLISHED, TASKS, Published
from skser.systems._steps import N_COMPONENTS

globals().update(SYSTEMS)

if TYPE_CHECKING:
    from skser.systems._make import SystemFunction

    # What type checkers and editors cannot see above.
    attention_blstm_fcn: SystemFunction
    attention_blstm_fcn_mean: SystemFunction
    attention_blstm_fcn_max: SystemFunction
    attention_lstm_fcn: SystemFunction
    attention_blstm: SystemFunction
    attention_lstm: SystemFunction
    fcn: SystemFunction
    lstm_fcn: SystemFunction
    mlstm_fcn: SystemFunction
    dnn_elm: SystemFunction
    dnn_elm_lee2015: SystemFunction
    attention_blstm_huang2016: SystemFunction
    attention_blstm_mirsamadi2017: SystemFunction
    attentive_cnn: SystemFunction
    ivector: SystemFunction
    dbn_ivector: SystemFunction
    mec2017_svm: SystemFunction
    egemaps_svm: SystemFunction
    compare_svm: SystemFunction
    compare_svm_transductive: SystemFunction
    attention_blstm_fcn_robust: SystemFunction
    attention_blstm_fcn_robust_transductive: SystemFunction
    attention_blstm_fcn_robust_opensmile: SystemFunction
    attention_blstm_fcn_robust_opensmile_transductive: SystemFunction
    statistics_ivector_vote: SystemFunction
    statistics_ivector_vote_transductive: SystemFunction
    pretrained_statistics: SystemFunction
    pretrained_statistics_transductive: SystemFunction
    pretrained_attention_blstm_fcn: SystemFunction
    recommended: SystemFunction
    recommended_transductive: SystemFunction
    attention_blstm_fcn_regressor: SystemFunction
    pretrained_ridge: SystemFunction
    statistics_svr: SystemFunction
    compare_svr: SystemFunction
    recommended_regressor: SystemFunction

__all__ = [
    "N_COMPONENTS",
    "OWN",
    "PUBLISHED",
    "SYSTEMS",
    "TASKS",
    "Published",
    "list_systems",
    "make_system",
    "split_front_end",
    *SYSTEMS,
]
