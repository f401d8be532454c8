"""Claims: what an experiment's replicates say about the statements of the article."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from reglab.api.access.scopes import needs
from reglab.api.context import ExperimentId, Shared
from reglab.api.limits.work import heavy
from reglab.api.problems import responses
from reglab.api.routers.pooled import With, evaluated, finished_runs, pooled, stamp_of
from reglab.api.schemas.claims import ClaimList, ClaimRow
from reglab.core.claims import decide
from reglab.core.claims import document as claims_document
from reglab.core.statistics import Adjustment

router = APIRouter(prefix="/experiments/{experiment_id}/claims", tags=["results"])
MARKDOWN = "text/markdown; charset=utf-8"


@router.get(
    "",
    summary="Verdicts of the article's claims",
    operation_id="list_claims",
    response_model=ClaimList,
    responses={**responses(404, 422), 200: {"content": {MARKDOWN: {"schema": {"type": "string"}}}}},
)
@needs("read")
@heavy
def list_claims(
    shared: Shared,
    experiment_id: ExperimentId,
    with_: With = None,
    adjust: Annotated[
        Adjustment, Query(description="Correction for the number of claims: 'holm' or 'bh'.")
    ] = "holm",
    form: Annotated[Literal["json", "md"], Query(alias="format", description="Form.")] = "json",
) -> Any:
    """Returns each claim with its measured value, the interval over seeds, and the verdict.

    Supported: the mean lies where the claim needs it, by Student's t over seeds. Not supported: it
    lies elsewhere. Undecided: neither is significant at 5 %, or there are too few seeds; one seed
    never decides. The p-values are corrected for the number of claims that are decided together, by
    Holm's method (the chance of any false verdict is at most 5 %) or with ``adjust=bh`` by that of
    Benjamini and Hochberg (at most 5 % of verdicts are false). Claims that these runs do not bear
    on have no verdict but the reason why.
    """
    ids = pooled(experiment_id, with_)
    stamp = stamp_of(shared, ids)
    found = evaluated(shared, stamp, lambda: finished_runs(shared, ids))
    rows = [ClaimRow.of(outcome).model_dump() for outcome in decide(found.outcomes, adjust)]
    document = {"items": rows, "varied": found.varied, "made_by": found.made_by}
    if form == "md":
        return Response(claims_document.markdown(document), media_type=MARKDOWN)
    return Response(json.dumps(document, allow_nan=False), media_type="application/json")
