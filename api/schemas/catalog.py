"""Presets and datasets."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class PresetRow(BaseModel):
    """A preset."""

    name: str = Field(description="As in {'preset': name}.", examples=["l2"])
    title: str = Field(description="For people.", examples=["L2 weight decay on two moons"])
    description: str = Field(description="What it shows.", examples=["Two moons with ..."])
    figures: list[str] = Field(description="Figures it feeds.", examples=[["fig04-weights"]])
    runs: int = Field(description="Number of runs.", examples=[9])
    spec: dict[str, Any] = Field(description="Its spec.", examples=[{}])
    article: bool = Field(description="Whether it is one of the article's six.", examples=[True])
    substitute: str | None = Field(
        description="Dataset to fall back to where its own cannot be had.", examples=[None]
    )


class PresetList(BaseModel):
    """All presets."""

    items: list[PresetRow] = Field(description="The article's in its order, then the others.")


class DatasetRow(BaseModel):
    """A dataset."""

    name: str = Field(description="As in dataset.name.", examples=["mnist"])
    title: str = Field(description="For people.", examples=["MNIST"])
    n_features: int = Field(description="Features per example.", examples=[784])
    n_classes: int = Field(description="Classes.", examples=[10])
    image_shape: list[int] | None = Field(description="Rows, columns.", examples=[[28, 28]])
    source: str = Field(description="Where it comes from.", examples=["MNIST, IDX files"])
    licence: str = Field(description="Its licence.", examples=["CC BY-SA 3.0"])
    available: bool = Field(description="Whether this server has it.", examples=[True])
    reason: str | None = Field(description="Why not, and what to do.", examples=[None])


class DatasetList(BaseModel):
    """All datasets."""

    items: list[DatasetRow] = Field(description="The datasets.")
