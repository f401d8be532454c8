"""The confusion matrix and its averages are those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as other
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    precision_recall_fscore_support,
)

from reglab.core.metrics.confusion import class_scores, confusion_matrix


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_all_numbers_are_those_of_scikit_learn(classes):
    rng = np.random.default_rng(classes)
    labels = rng.integers(0, classes, 300)
    predicted = np.where(rng.random(300) < 0.6, labels, rng.integers(0, classes, 300))
    # Class 0 is then no label, and the last one no answer.
    for kept in (slice(None), (labels > 0) & (predicted < classes - 1)):
        y, answer = labels[kept], predicted[kept]
        found = class_scores(answer, y, classes)
        matrix = confusion_matrix(answer, y, classes)
        np.testing.assert_array_equal(
            matrix, other.confusion_matrix(y, answer, labels=range(classes))
        )
        assert found.count.tolist() == matrix.sum(axis=1).tolist()
        assert found.answers.tolist() == matrix.sum(axis=0).tolist()
        precision, recall, f1, _ = precision_recall_fscore_support(
            y, answer, labels=range(classes), zero_division=np.nan
        )
        np.testing.assert_allclose(found.precision, precision, atol=1e-12)
        np.testing.assert_allclose(found.recall, recall, atol=1e-12)
        is_there = np.isin(range(classes), np.concatenate([y, answer]))
        np.testing.assert_allclose(found.f1[is_there], np.nan_to_num(f1[is_there]), atol=1e-12)
        assert np.isnan(found.f1[~is_there]).all()
        assert found.balanced_accuracy == pytest.approx(balanced_accuracy_score(y, answer))
        macro = f1_score(y, answer, average="macro", zero_division=0)
        assert found.macro_f1 == pytest.approx(macro)
