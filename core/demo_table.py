"""A table to try things on: 500 seedlings that were invented, with gaps and categories.

The rule: light is uniform from 2 to 10 hours, water from 20 to 120 ml, temperature from 8 to 28
degrees; soil is sand, loam or clay with the chances 0.3, 0.45, 0.25; one of four seedlings is
shaded; each of 25 plots holds 20. A seedling germinates with the probability 1 / (1 + exp(-z)),

    z = 0.5 (light - 6) - ((water - 70) / 25)^2 + 1.2 [loam] - 1.0 [shaded] + 0.1 (temperature - 18)
        + 0.6 + the plot's own effect, uniform from -0.5 to 0.5.

Then 6 % of the values of water and 3 % of those of temperature are taken away.
"""

from __future__ import annotations

import csv
import io
import math
import random

ROWS = 500
PER_PLOT = 20
COLUMNS = (
    "seed_id", "plot", "soil", "light_hours", "water_ml", "temperature_c", "shaded", "germinated",
)  # fmt: skip
TARGET = "germinated"
# Of this generator the method ``random`` alone gives the same numbers in every version of Python.
SEED = 20261128


def demo_table() -> str:
    """The table as CSV with a header; always the same text."""
    draw = random.Random(SEED).random  # noqa: S311 # an example, no secret
    effects = [draw() - 0.5 for _ in range(ROWS // PER_PLOT)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for at in range(ROWS):
        plot = at // PER_PLOT
        light, water, warmth = 2 + 8 * draw(), 20 + 100 * draw(), 8 + 20 * draw()
        kind = draw()
        soil = "sand" if kind < 0.3 else "loam" if kind < 0.75 else "clay"
        shaded = draw() < 0.25
        z = 0.5 * (light - 6) - ((water - 70) / 25) ** 2 + 1.2 * (soil == "loam")
        z += 0.6 - 1.0 * shaded + 0.1 * (warmth - 18) + effects[plot]
        germinated = draw() < 1 / (1 + math.exp(-z))
        writer.writerow(
            [
                f"S{at + 1:03}",
                f"P{plot + 1:02}",
                soil,
                f"{light:.1f}",
                "" if draw() < 0.06 else f"{water:.0f}",
                "" if draw() < 0.03 else f"{warmth:.1f}",
                "yes" if shaded else "no",
                "yes" if germinated else "no",
            ]
        )
    return text.getvalue()
