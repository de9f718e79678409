"""How a compiled network learns: batches, epochs, early stopping, checkpoints.

No scikit-learn estimators here: :mod:`skser.classifiers` has those. Importing this
package does not import TensorFlow.
"""

from skser._sequences import pad_sequences
from skser.training._checkpoint import TrainingCheckpoint
from skser.training._compiled import (
    OPTIMIZERS,
    CompiledNetwork,
    InitialState,
    NetworkDesign,
    NetworkPool,
    dtype_policy,
    find_n_threads,
    import_tensorflow,
    lend_network,
)
from skser.training._contract import examine_network
from skser.training._data import (
    Utterances,
    discretize_ratings,
    hold_out,
    prediction_batches,
    training_batches,
)
from skser.training._loop import (
    SCHEDULES,
    TrainingPlan,
    list_observers,
    map_batches,
    train,
)
from skser.training._objectives import OBJECTIVES

__all__ = [
    "OBJECTIVES",
    "OPTIMIZERS",
    "SCHEDULES",
    "CompiledNetwork",
    "InitialState",
    "NetworkDesign",
    "NetworkPool",
    "TrainingCheckpoint",
    "TrainingPlan",
    "Utterances",
    "discretize_ratings",
    "dtype_policy",
    "examine_network",
    "find_n_threads",
    "hold_out",
    "import_tensorflow",
    "lend_network",
    "list_observers",
    "map_batches",
    "pad_sequences",
    "prediction_batches",
    "train",
    "training_batches",
]
