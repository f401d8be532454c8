"""Presets."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class PresetChoice(BaseModel):
    """A decision that could have been another."""

    name: str = Field(description="Short name.", examples=["centred-inputs"])
    text: str = Field(
        description="What is chosen.", examples=["the mean training image subtracted"]
    )
    overrides: dict[str, Any] = Field(
        description="What it changes in the preset.", examples=[{"dataset.centred": True}]
    )


class PresetRow(BaseModel):
    """A preset."""

    name: str = Field(description="As in {'preset': name}.", examples=["l2"])
    title: str = Field(
        description="Title of the experiment.", examples=["L2 weight decay on two moons"]
    )
    description: str = Field(
        description="What the experiment shows.", examples=["Two moons with ..."]
    )
    figures: list[str] = Field(
        description="Figures that use its runs.", examples=[["fig04-weights"]]
    )
    runs: int = Field(description="Number of runs.", examples=[9])
    spec: dict[str, Any] = Field(description="The spec.", examples=[{}])
    article: bool = Field(
        description="Whether it is one of the six experiments of the article.", examples=[True]
    )
    substitute: str | None = Field(
        description="Dataset that is used if its own is not available.", examples=[None]
    )
    controls: list[dict[str, Any]] = Field(
        description="Overrides of the experiments that its claims need as controls.",
        examples=[[{"dataset.label_noise": 1.0}]],
    )
    choices: list[PresetChoice] = Field(
        description="Choices that the article leaves open, taken otherwise than in the preset."
    )


class PresetList(BaseModel):
    """All presets."""

    items: list[PresetRow] = Field(
        description="The presets of the article in its order, then the others."
    )
