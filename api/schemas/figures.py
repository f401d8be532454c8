"""Figures."""

from __future__ import annotations

from pydantic import BaseModel, Field


class FigureRow(BaseModel):
    """A figure that can be drawn, or why it cannot."""

    name: str = Field(description="As in figures/{name}.png.", examples=["fig02-l2-boundaries"])
    title: str = Field(description="For people.", examples=["Decision boundaries over L2"])
    article_number: int | None = Field(description="Its number in the article.", examples=[2])
    available: bool = Field(description="Whether it can be drawn now.", examples=[True])
    reason: str | None = Field(description="Why not.", examples=[None])
    caption: str | None = Field(description="With numbers from the runs.", examples=[None])


class FigureList(BaseModel):
    """All figures."""

    items: list[FigureRow] = Field(description="Article figures, then general ones.")
