"""Make docs/figures anew: ``python docs/make_figures.py``, with a server running (REGLAB_URL).

Runs the article's presets in full (equal finished runs are reused) and saves each figure as a small
picture with its caption, whose numbers come from the runs.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from reglab.client import Client

FOLDER = Path(__file__).parent / "figures"
COLOURS = 128


def main() -> None:
    """Submit, wait, draw."""
    with Client(timeout=300) as client:
        presets = [preset for preset in client.presets() if preset.article]
        experiments = {preset.name: client.submit(preset.name) for preset in presets}
        client.wait(*experiments.values())
        for name in sorted({name for preset in presets for name in preset.figures}):
            first, *others = [experiments[one.name] for one in presets if name in one.figures]
            drawn = first.figure(name, others=others, dpi=90)
            picture = Image.open(io.BytesIO(drawn.content)).convert("RGB")
            picture.quantize(COLOURS).save(FOLDER / f"{name}.png", optimize=True)
            captions = {info.name: info.caption for info in first.figures(others)}
            (FOLDER / f"{name}.txt").write_text(f"*{captions[name]}*\n")


if __name__ == "__main__":
    main()
