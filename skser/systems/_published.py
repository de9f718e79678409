"""Which figures the paper prints for which system, and where they come from."""

from typing import NamedTuple


class Published(NamedTuple):
    """Figures that the paper prints, in percent, and where they are from.

    Parameters
    ----------
    table : int
        Of the paper.
    data : str
        The corpus, and which part of it.
    row : str
        As the paper calls the system.
    system : str
        As ``SYSTEMS`` calls it.
    ua, wa : float
        Mean recall over the classes, and accuracy.
    provenance : str
        "the authors' own run", or "quoted:" and what from.
    """

    table: int
    data: str
    row: str
    system: str
    ua: float
    wa: float
    provenance: str


# The rows of the paper's Table 4 that it quotes come from other data or protocols: they
# are no marks for a reproduction.
OWN = "the authors' own run"
PUBLISHED = [
    Published(
        2,
        "CHEAVD",
        "MEC 2017 baseline",
        "mec2017_svm",
        27.2,
        39.9,
        "quoted: organisers' SVM",
    ),
    Published(2, "CHEAVD", "FCNs", "fcn", 25.1, 41.5, OWN),
    Published(2, "CHEAVD", "Attention-LSTM", "attention_lstm", 25.2, 41.7, OWN),
    Published(2, "CHEAVD", "Attention-BLSTM", "attention_blstm", 29.4, 45.3, OWN),
    Published(
        2, "CHEAVD", "Attention-BLSTM-FCN", "attention_blstm_fcn", 31.8, 46.3, OWN
    ),
    Published(
        3, "IEMOCAP dataset1", "max pooling", "attention_blstm_fcn_max", 54.1, 62.8, OWN
    ),
    Published(
        3,
        "IEMOCAP dataset1",
        "mean pooling",
        "attention_blstm_fcn_mean",
        53.7,
        62.5,
        OWN,
    ),
    Published(
        3,
        "IEMOCAP dataset1",
        "attention pooling",
        "attention_blstm_fcn",
        56.0,
        64.0,
        OWN,
    ),
    Published(
        3, "IEMOCAP dataset2", "max pooling", "attention_blstm_fcn_max", 58.8, 56.8, OWN
    ),
    Published(
        3,
        "IEMOCAP dataset2",
        "mean pooling",
        "attention_blstm_fcn_mean",
        58.4,
        57.4,
        OWN,
    ),
    Published(
        3,
        "IEMOCAP dataset2",
        "attention pooling",
        "attention_blstm_fcn",
        60.1,
        59.7,
        OWN,
    ),
    Published(
        4,
        "IEMOCAP dataset1",
        "DNN-ELM",
        "dnn_elm_lee2015",
        52.1,
        57.9,
        "quoted: Lee & Tashev 2015, improvised turns only",
    ),
    Published(
        4,
        "IEMOCAP dataset1",
        "Attention-BLSTM",
        "attention_blstm_huang2016",
        49.9,
        59.3,
        "quoted: Huang & Narayanan 2016, own protocol",
    ),
    Published(
        4,
        "IEMOCAP dataset1",
        "Attention-BLSTM-FCN",
        "attention_blstm_fcn",
        56.0,
        64.0,
        OWN,
    ),
    Published(
        4,
        "IEMOCAP dataset2",
        "Attentive CNN",
        "attentive_cnn",
        55.1,
        56.1,
        "quoted: Neumann & Vu 2017, own protocol",
    ),
    Published(
        4,
        "IEMOCAP dataset2",
        "DBN-ivector",
        "dbn_ivector",
        59.6,
        58.1,
        "quoted: Xia & Liu 2016, own protocol (not checked)",
    ),
    Published(
        4,
        "IEMOCAP dataset2",
        "Attention-BLSTM-FCN",
        "attention_blstm_fcn",
        60.1,
        59.7,
        OWN,
    ),
]
