"""The whole article over HTTP: six experiments, ten figures, claims, a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reglab.client.clients import Client
from reglab.client.experiments import Experiment
from reglab.client.figures import FORMATS
from reglab.client.files import write_whole
from reglab.client.models import PresetInfo
from reglab.client.progress import Display


@dataclass(frozen=True)
class Reproduction:
    """What was written.

    Attributes:
        report: The HTML report.
        figures: All figure files.
        experiments: Id of each preset's experiment.
        substitutes: Stand-in dataset of each preset whose own was unavailable.
        controls: Ids of the experiments that were run as controls of claims.
        choices: Ids of those that were run under other choices, by choice.
    """

    report: Path
    figures: list[Path]
    experiments: dict[str, str]
    substitutes: dict[str, str]
    controls: list[str]
    choices: dict[str, list[str]]


def reproduce(
    client: Client,
    output: Path,
    seeds: Sequence[int] = (0,),
    scale: float = 1.0,
    display: Display | None = None,
    warn: Callable[[str], None] = lambda _: None,
    robust: bool = False,
) -> Reproduction:
    """Run the article's presets and write figures and report into a folder.

    Args:
        client: Of the server that trains.
        output: The folder.
        seeds: Seeds of each run; claims need several to be decided. With several, the controls of
            the claims are run as well.
        scale: Multiplies every preset's epochs, e.g. 0.01 for a quick look.
        display: Shows progress.
        warn: Is told of stand-in datasets.
        robust: Whether to run each preset under every choice that the article leaves open as well;
            the report then shows which claims hang on one. Takes about four times as long.

    Raises:
        ExperimentFailedError: One of the experiments failed.
    """
    presets = [preset for preset in client.presets() if preset.article]
    available = {row.name: row.available for row in client.datasets("builtin")}
    substitutes = {
        preset.name: preset.substitute
        for preset in presets
        if preset.substitute and not available[preset.spec["dataset"]["name"]]
    }
    experiments, controls = {}, []
    choices: dict[str, list[Experiment]] = {}
    for preset in presets:
        substitute = substitutes.get(preset.name)
        if substitute:
            warn(
                f"{preset.name}: '{preset.spec['dataset']['name']}' is not available here; using "
                f"'{substitute}'. Set REGLAB_DATA_DIR on the server for the real set."
            )
        changes = _changes(preset, substitute, seeds, scale)
        experiments[preset.name] = client.submit(preset.name, changes)
        if len(seeds) > 1:
            controls += [_control(client, preset, changes, each) for each in preset.controls]
        for choice in preset.choices if robust else ():
            own = {**changes, **choice.overrides, "tags": ["choice"]}
            name = {"name": f"{preset.title}: {choice.text}"}
            of_choice = choices.setdefault(choice.name, [])
            of_choice.append(client.submit(preset.name, own | name))
            if len(seeds) > 1:
                of_choice += [_control(client, preset, own, each) for each in preset.controls]
    printed = [*experiments.values(), *controls]
    everything = [*printed, *(one for each in choices.values() for one in each)]
    client.wait(*everything, progress=display or Display())
    figures = _figures(presets, experiments, output / "figures")
    if len(seeds) > 1:
        figures += _claims(printed, output)
    if robust:
        found = client.robustness(*everything).model_dump_json(indent=1)
        write_whole(output / "robustness.json", found.encode())
    report = client.report(*everything, path=output / "report.html")
    ids = {name: experiment.id for name, experiment in experiments.items()}
    return Reproduction(
        report,
        figures,
        ids,
        substitutes,
        [control.id for control in controls],
        {name: [one.id for one in each] for name, each in choices.items()},
    )


def _control(
    client: Client, preset: PresetInfo, changes: Mapping[str, Any], control: Mapping[str, Any]
) -> Experiment:
    told = ", ".join(f"{path} = {value}" for path, value in control.items())
    name = {"name": f"{preset.title}: control, {told}", "tags": ["control"]}
    return client.submit(preset.name, {**changes, **control, **name})


def _changes(
    preset: PresetInfo, substitute: str | None, seeds: Sequence[int], scale: float
) -> dict[str, Any]:
    changes: dict[str, Any] = {"seeds": list(seeds)}
    if substitute:
        changes["dataset.name"] = substitute
    if scale != 1.0:
        changes["training.epochs"] = max(2, round(preset.spec["training"]["epochs"] * scale))
    return changes


def _claims(experiments: Sequence[Experiment], output: Path) -> list[Path]:
    """All claims over all experiments: JSON, Markdown, and a figure in every format."""
    first, *others = experiments
    for form in ("json", "md"):
        path, query = output / f"claims.{form}", {"with": [one.id for one in others]}
        first.download("claims", path, query=query)
    return [
        first.figure("claims", form, others=others).save(output / "figures" / f"claims.{form}")  # type: ignore[arg-type]
        for form in FORMATS
    ]


def _figures(
    presets: Sequence[PresetInfo], experiments: dict[str, Experiment], folder: Path
) -> list[Path]:
    """Every figure of the presets, with the runs of all that feed it, in every format."""
    written = []
    for name in sorted({name for preset in presets for name in preset.figures}):
        first, *others = [experiments[preset.name] for preset in presets if name in preset.figures]
        for form in FORMATS:
            drawn = first.figure(name, form, others=others)  # type: ignore[arg-type]
            written.append(drawn.save(folder / f"{name}.{form}"))
    return written
