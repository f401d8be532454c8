"""``python -m benchmarks [part ...]``: measure, then write the plots and the page of tables."""

from __future__ import annotations

import argparse
import time

from benchmarks.timing import one_thread

# Before anything imports NumPy.
one_thread()

from benchmarks import machine, plots, results, tables

PARTS = ("steps", "article", "service", "growth")


def main() -> None:
    """Run the parts asked for (all, if none is named)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--repeats", type=int, default=15, help="repeats of a step time")
    parser.add_argument("--images", help="a dataset in the place of MNIST and Fashion-MNIST")
    parser.add_argument("--epochs-scale", type=float, default=1.0, help="of the article's runs")
    parser.add_argument("--table-only", action="store_true", help="write table and plots again")
    wanted = parser.parse_args()
    unknown = set(wanted.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; parts are {', '.join(PARTS)}")
    if wanted.images is None and not wanted.table_only:
        wanted.images = stand_in()
    found = results.load()
    if not wanted.table_only:
        for part in wanted.parts or PARTS:
            began = time.perf_counter()
            print(f"{part} ...", flush=True)
            found[part] = run(part, wanted)
            print(f"{part}: {time.perf_counter() - began:.0f} s", flush=True)
            found["machine"] = machine.describe()
            results.save(found)
    found = results.load()
    (results.FOLDER / "table.md").write_text(tables.markdown(found) + "\n")
    plots.write(found, results.FOLDER)
    tables.update(found)
    print(tables.markdown(found))


def stand_in() -> str | None:
    """The dataset to take where MNIST or Fashion-MNIST is unavailable, or None."""
    from reglab.core import datasets
    from reglab.core.errors import DatasetUnavailableError
    from reglab.core.spec import FashionMnist, Mnist

    try:
        datasets.check(Mnist(name="mnist"))
        datasets.check(FashionMnist(name="fashion_mnist"))
    except DatasetUnavailableError as error:
        print(f"{error}\nMeasuring with mnist5k in their place.", flush=True)
        return "mnist5k"
    return None


def run(part: str, wanted: argparse.Namespace) -> object:
    """Measure one part."""
    if part == "steps":
        from benchmarks import steps

        return steps.measure(wanted.repeats, wanted.images, say)
    if part == "article":
        from benchmarks import article

        return article.measure(wanted.images, wanted.epochs_scale, say)
    if part == "service":
        from benchmarks import service

        return service.measure(wanted.repeats, say)
    from benchmarks import growth

    return growth.measure(say)


def say(text: str) -> None:
    """Progress, at once."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
