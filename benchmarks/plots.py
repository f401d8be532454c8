"""The results as pictures, PNG and SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.tables import number

IMPLEMENTATIONS = {"reglab": "reglab", "jax": "JAX", "torch": "PyTorch", "numpy": "NumPy loop"}
COLORS = {"reglab": "#0b6e4f", "jax": "#e3a018", "torch": "#c8553d", "numpy": "#5c6b8a"}


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    """Draw every part that was measured; returns the files."""
    files = []
    if "steps" in results:
        files += save(steps(results["steps"]), folder / "steps")
    if "growth" in results:
        files += save(growth(results["growth"]), folder / "growth")
    return files


def growth(found: dict[str, list[dict[str, float]]]) -> Figure:
    """Time, and memory where one process was measured, against what doubles."""
    labels = {
        "width": ("hidden width, two layers", "µs per epoch"),
        "training size": ("training examples", "µs per epoch"),
        "runs": ("runs of a sweep, all cores", "seconds"),
        "workers": ("worker processes, 16 runs", "seconds"),
    }
    figure = Figure(figsize=(10, 5.6), layout="constrained")
    for axes, (name, points) in zip(figure.subplots(2, 2).flat, found.items(), strict=True):
        x = [point["x"] for point in points]
        time = [point["seconds"] * point["unit"] for point in points]
        axes.plot(x, time, "o-", color=COLORS["reglab"], label="time")
        for at, value in zip(x, time, strict=True):
            axes.annotate(
                number(value),
                (at, value),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=COLORS["reglab"],
            )
        falls = name == "workers"
        ideal = [time[0] * (x[0] / at if falls else at / x[0]) for at in x]
        axes.plot(x, ideal, ":", color="#999999", label="in proportion")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(x, [f"{at:g}" for at in x])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        axes.margins(y=0.15)
        axes.set_xlabel(labels[name][0])
        axes.set_ylabel(labels[name][1])
        axes.spines["top"].set_visible(False)
        if points[0]["mib"]:
            memory = axes.twinx()
            memory.plot(x, [p["mib"] for p in points], "s--", color=COLORS["numpy"], ms=4)
            memory.set_ylim(0, 1.4 * max(p["mib"] for p in points))
            memory.set_ylabel("MiB of the process", color=COLORS["numpy"])
            memory.spines["top"].set_visible(False)
            axes.plot([], [], "s--", color=COLORS["numpy"], ms=4, label="memory")
        axes.legend(frameon=False, fontsize=8, loc="best")
    return figure


def steps(rows: list[dict[str, Any]]) -> Figure:
    """Microseconds per training step, a line a workload, a point an implementation."""
    figure = Figure(figsize=(9, 0.9 + 0.75 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        times = {name: _time(row, name) for name in IMPLEMENTATIONS}
        axes.plot([min(times.values()), max(times.values())], [place] * 2, color="#d5d5d5", lw=2)
        for name, time in times.items():
            axes.plot(time, place, "o", ms=9, color=COLORS[name])
            axes.annotate(
                number(time),
                (time, place),
                xytext=(0, 9 if name in {"reglab", "torch"} else -15),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=COLORS[name],
            )
    handles = [
        Line2D([], [], marker="o", ls="", ms=9, color=COLORS[name], label=label)
        for name, label in IMPLEMENTATIONS.items()
    ]
    figure.legend(handles=handles, frameon=False, loc="outside upper center", ncols=len(handles))
    axes.set_yticks(range(len(rows)), [row["workload"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.set_xlabel("microseconds per training step, one core (log scale)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#eeeeee")
    axes.set_axisbelow(True)
    return figure


def _time(row: dict[str, Any], name: str) -> float:
    key = row["jax_best"] if name == "jax" else name
    return float(row["microseconds"][key]["median"])


def save(figure: Figure, path: Path) -> list[Path]:
    """As PNG and SVG; the same figure gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    matplotlib.rcParams["svg.hashsalt"] = path.name
    files = [path.with_suffix(".png"), path.with_suffix(".svg")]
    for file in files:
        metadata = {"Date": None} if file.suffix == ".svg" else {}
        figure.savefig(file, dpi=140, metadata=metadata)
    return files
