"""One run's test answers without bins: reliability, selective prediction, confusion."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from fastapi import APIRouter
from numpy.typing import NDArray

from reglab.api.access.scopes import needs
from reglab.api.context import RunId, Shared, classifier
from reglab.api.limits.refusals import check_values
from reglab.api.limits.work import heavy
from reglab.api.problems import responses
from reglab.api.schemas.answers import (
    ClassRow,
    ConfusionBody,
    ConsistencyBand,
    CorpBody,
    CorpStep,
    SelectiveBody,
)
from reglab.core.metrics import confusion
from reglab.core.metrics import corp as reliability
from reglab.core.metrics import selective as selection
from reglab.core.metrics.bin_free import answers_of
from reglab.core.metrics.predictions import accuracy
from reglab.core.metrics.smooth import smooth_error

router = APIRouter(prefix="/runs/{run_id}", tags=["runs"])


@router.get(
    "/corp",
    summary="Reliability without bins",
    operation_id="get_corp",
    responses=responses(404, 409),
)
@needs("read")
@heavy
def get_corp(shared: Shared, run_id: RunId) -> CorpBody:
    """Returns the isotonic fit of accuracy to confidence, with its consistency band.

    CORP of Dimitriadis, Gneiting and Jordan (2021). Equal confidences are on one step.
    """
    run = classifier(shared, run_id)
    answers = answers_of(run.logits(), run.labels())
    found, band = reliability.corp(answers), reliability.consistency_band(answers)
    return CorpBody(
        run_id=run_id,
        steps=_rows(CorpStep, found),
        band=ConsistencyBand(**{name: value.tolist() for name, value in asdict(band).items()}),
        smooth_ece=smooth_error(answers),
        score=found.score,
        miscalibration=found.miscalibration,
        discrimination=found.discrimination,
        uncertainty=found.uncertainty,
    )


def _rows(model: type[CorpStep], found: reliability.Corp) -> list[CorpStep]:
    names = list(model.model_fields)
    columns = [getattr(found, name).tolist() for name in names]
    return [model(**dict(zip(names, values, strict=True))) for values in zip(*columns, strict=True)]


@router.get(
    "/selective",
    summary="Selective prediction",
    operation_id="get_selective",
    responses=responses(404, 409),
)
@needs("read")
@heavy
def get_selective(shared: Shared, run_id: RunId) -> SelectiveBody:
    """Returns the risk over the coverage if only the surest answers are given, and its area."""
    run = classifier(shared, run_id)
    found = asdict(selection.selective(answers_of(run.logits(), run.labels())))
    return SelectiveBody(run_id=run_id, **{name: _plain(value) for name, value in found.items()})


@router.get(
    "/confusion",
    summary="Confusion matrix",
    operation_id="get_confusion",
    responses=responses(404, 409, 422),
)
@needs("read")
@heavy
def get_confusion(shared: Shared, run_id: RunId) -> ConfusionBody:
    """Returns the confusion matrix of the test set with recall, precision and F1 per class."""
    run = classifier(shared, run_id)
    n_classes = run.spec.dataset.n_classes
    check_values(shared.limits, n_classes**2, "run_id", "Count the answers of /predictions.")
    logits, labels = run.logits(), run.labels()
    predicted = logits.argmax(axis=1)
    scores = confusion.class_scores(predicted, labels, n_classes)
    return ConfusionBody(
        run_id=run_id,
        matrix=confusion.confusion_matrix(predicted, labels, n_classes).tolist(),
        classes=[_class_row(scores, label) for label in range(n_classes)],
        accuracy=accuracy(logits, labels),
        balanced_accuracy=scores.balanced_accuracy,
        macro_f1=scores.macro_f1,
    )


def _class_row(scores: confusion.ClassScores, label: int) -> ClassRow:
    count, answers = int(scores.count[label]), int(scores.answers[label])
    reasons = [
        "" if count else "The test set has no example of it, so that it has no recall.",
        "" if answers else "No answer is this class, so that it has no precision.",
    ]
    return ClassRow(
        label=label,
        count=count,
        answers=answers,
        recall=_number(scores.recall[label]),
        precision=_number(scores.precision[label]),
        f1=_number(scores.f1[label]),
        reason=" ".join(filter(None, reasons)) or None,
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _plain(value: float | NDArray[Any]) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value
