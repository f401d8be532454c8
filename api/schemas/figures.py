"""Figures."""

from __future__ import annotations

from pydantic import BaseModel, Field


class FigureRow(BaseModel):
    """A figure with its caption, or the reason why it cannot be drawn."""

    name: str = Field(description="As in figures/{name}.png.", examples=["fig02-l2-boundaries"])
    title: str = Field(description="Title of the figure.", examples=["Decision boundaries over L2"])
    article_number: int | None = Field(
        description="Number in the article; null for other figures.", examples=[2]
    )
    available: bool = Field(
        description="Whether it can be drawn from the finished runs.", examples=[True]
    )
    reason: str | None = Field(description="Reason why it cannot be drawn.", examples=[None])
    caption: str | None = Field(description="Caption with results of the runs.", examples=[None])


class FigureList(BaseModel):
    """All figures."""

    items: list[FigureRow] = Field(
        description="The figures of the article, then the others by name."
    )
