"""Whole systems, from recordings to labels: each a function that returns a Pipeline."""

from skser.systems._ablations import (
    attention_blstm,
    attention_blstm_fcn_max,
    attention_blstm_fcn_mean,
    attention_lstm,
    attention_lstm_fcn,
    fcn,
)
from skser.systems._attention_blstm_fcn import N_COMPONENTS, attention_blstm_fcn
from skser.systems._dnn_elm import dnn_elm, dnn_elm_lee2015
from skser.systems._front_end import split_front_end
from skser.systems._functionals import (
    compare_svm,
    compare_svm_transductive,
    egemaps_svm,
    mec2017_svm,
)
from skser.systems._ivectors import dbn_ivector, ivector
from skser.systems._lstm_fcn import lstm_fcn, mlstm_fcn
from skser.systems._published import OWN, PUBLISHED, Published
from skser.systems._robust import (
    attention_blstm_fcn_robust,
    attention_blstm_fcn_robust_opensmile,
    attention_blstm_fcn_robust_opensmile_transductive,
    attention_blstm_fcn_robust_transductive,
)
from skser.systems._short_time import (
    attention_blstm_huang2016,
    attention_blstm_mirsamadi2017,
    attentive_cnn,
)

# In the order of the paper's tables; then what most people use today, and what we
# recommend.
_ROWS = (
    attention_blstm_fcn,
    attention_blstm_fcn_mean,
    attention_blstm_fcn_max,
    attention_lstm_fcn,
    attention_blstm,
    attention_lstm,
    fcn,
    lstm_fcn,
    mlstm_fcn,
    dnn_elm,
    dnn_elm_lee2015,
    attention_blstm_huang2016,
    attention_blstm_mirsamadi2017,
    attentive_cnn,
    ivector,
    dbn_ivector,
    mec2017_svm,
    egemaps_svm,
    compare_svm,
    compare_svm_transductive,
    attention_blstm_fcn_robust,
    attention_blstm_fcn_robust_transductive,
    attention_blstm_fcn_robust_opensmile,
    attention_blstm_fcn_robust_opensmile_transductive,
)
SYSTEMS = {row.__name__: row for row in _ROWS}

__all__ = [
    "N_COMPONENTS",
    "OWN",
    "PUBLISHED",
    "SYSTEMS",
    "Published",
    "attention_blstm",
    "attention_blstm_fcn",
    "attention_blstm_fcn_max",
    "attention_blstm_fcn_mean",
    "attention_blstm_fcn_robust",
    "attention_blstm_fcn_robust_opensmile",
    "attention_blstm_fcn_robust_opensmile_transductive",
    "attention_blstm_fcn_robust_transductive",
    "attention_blstm_huang2016",
    "attention_blstm_mirsamadi2017",
    "attention_lstm",
    "attention_lstm_fcn",
    "attentive_cnn",
    "compare_svm",
    "compare_svm_transductive",
    "dbn_ivector",
    "dnn_elm",
    "dnn_elm_lee2015",
    "egemaps_svm",
    "fcn",
    "ivector",
    "lstm_fcn",
    "mec2017_svm",
    "mlstm_fcn",
    "split_front_end",
]
