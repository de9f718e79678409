"""Who is told how training goes: a progress bar, and scikit-learn's callbacks.

An observer has four methods: ``resumes(logs)``, which is called once before the first
epoch with what is logged of those before an interruption; ``epoch_begins()``;
``epoch_ends(logs, state)``, which returns True to stop training; and
``fit_ends(state)``. `state` is a function that returns the attributes that would make
the estimator ready to predict.
"""


class ProgressBar:
    """Show the epochs as a bar (1) or as lines (2).

    Parameters
    ----------
    max_epochs : int
    verbose : int
    """

    def __init__(self, max_epochs, verbose):
        import keras

        self._n_epochs = 0
        self._bar = keras.utils.Progbar(
            max_epochs,
            verbose=min(int(verbose), 2),
            unit_name="epoch",
            stateful_metrics=["learning_rate", "loss", "val_loss", "val_UA"],
        )

    def resumes(self, logs):
        """Begin behind the epochs that were run before an interruption."""
        self._n_epochs = len(logs)

    def epoch_begins(self):
        """Do nothing."""

    def epoch_ends(self, logs, state):
        """Move the bar on, or write a line."""
        self._n_epochs += 1
        # Keras writes a line only when it is told that it is the last one; None lets it
        # find out.
        is_last = True if self._bar.verbose == 2 else None
        self._bar.update(self._n_epochs, list(logs.items()), finalize=is_last)
        return False

    def fit_ends(self, state):
        """End the bar of a training that was stopped."""
        if self._bar.verbose == 1 and self._n_epochs < self._bar.target:
            self._bar.update(self._n_epochs, finalize=True)


class Callbacks:
    """Report each epoch as a task to the callbacks that are set on an estimator.

    Parameters
    ----------
    estimator : estimator instance
        With scikit-learn's callback support.
    max_epochs : int
    data : dict
        ``X``, ``y`` and ``metadata`` of the fit.
    """

    def __init__(self, estimator, max_epochs, **data):
        self._estimator = estimator
        self._data = data
        self._fit = estimator._init_callback_context(max_subtasks=max_epochs)
        self._fit.call_on_fit_task_begin(estimator=estimator, **data)

    def resumes(self, logs):
        """Do nothing: callbacks have been told of those epochs at their time."""

    def epoch_begins(self):
        """Open the task of an epoch."""
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def epoch_ends(self, logs, state):
        """Close the task of an epoch; a callback may ask to stop."""
        return self._end(self._epoch, state)

    def fit_ends(self, state):
        """Close the task of the whole fit."""
        self._end(self._fit, state)

    def _end(self, task, state):
        return task.call_on_fit_task_end(
            estimator=self._estimator, reconstruction_attributes=state, **self._data
        )
