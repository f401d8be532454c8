"""What can be asked for: presets, and the spec's JSON schema."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from reglab.api.access.scopes import needs
from reglab.api.problems import responses
from reglab.api.schemas.catalog import PresetChoice, PresetList, PresetRow
from reglab.core.claims import trained_controls
from reglab.core.presets import PRESETS
from reglab.core.presets.choices import CHOICES
from reglab.core.spec import ExperimentSpec, count_runs
from reglab.core.spec.fields import schema

router = APIRouter(tags=["catalog"])


@router.get("/presets", summary="Presets", operation_id="list_presets", responses=responses())
@needs("read")
def list_presets() -> PresetList:
    """Returns the experiments of the article, and those of further methods."""
    rows = [
        PresetRow(
            name=preset.name,
            title=preset.title,
            description=preset.description,
            figures=list(preset.figures),
            runs=count_runs(preset.spec),
            spec=preset.document,
            article=preset.article,
            substitute=preset.substitute,
            controls=[dict(control.changes) for control in trained_controls(preset.name)],
            choices=[
                PresetChoice(name=one.name, text=one.text, overrides=dict(one.changes[preset.name]))
                for one in CHOICES
                if preset.name in one.changes
            ],
        )
        for preset in PRESETS.values()
    ]
    return PresetList(items=rows)


@router.get(
    "/schema",
    summary="JSON schema of a spec",
    operation_id="get_schema",
    responses=responses(),
)
@needs("read")
def get_schema() -> dict[str, Any]:
    """Returns the JSON Schema 2020-12 of a spec."""
    return schema(ExperimentSpec)
