"""Probes: a new one is a file here, a field of the spec's ``probes`` and a line in ``REGISTRY``."""

from __future__ import annotations

from typing import Any

from reglab.core.datasets.base import Dataset
from reglab.core.engine import Network
from reglab.core.probes.augmentation import AugmentedExamples
from reglab.core.probes.base import Arrays, Probe
from reglab.core.probes.boundary import Boundary
from reglab.core.probes.components import Components
from reglab.core.probes.mc_dropout import McDropout
from reglab.core.probes.norms import Norms
from reglab.core.probes.predictions import Predictions
from reglab.core.probes.spectrum import Spectrum
from reglab.core.probes.temperature import Temperature
from reglab.core.probes.weights import Weights
from reglab.core.spec import RunSpec

REGISTRY: dict[str, type[Probe]] = {
    "predictions": Predictions,
    "boundary": Boundary,
    "weights": Weights,
    "spectrum": Spectrum,
    "temperature": Temperature,
    "mc_dropout": McDropout,
    "components": Components,
    "norms": Norms,
    "augmentation": AugmentedExamples,
}

__all__ = ["REGISTRY", "Arrays", "Probe", "Recorder", "depends_on_machine"]


def depends_on_machine(name: str) -> bool:
    """Whether the last bits of an array of a run depend on the processor: see ``Stored.varies``."""
    groups = (group for kind in REGISTRY.values() for group in kind.stores)
    return any(group.varies and name in group.dimensions for group in groups)


class Recorder:
    """All probes of one run together."""

    def __init__(self, spec: RunSpec, data: Dataset, seed: int) -> None:
        made = {name: kind.of(spec, data, seed) for name, kind in REGISTRY.items()}
        self._probes = {name: probe for name, probe in made.items() if probe is not None}

    def observe(self, epoch: int, network: Network) -> None:
        """Show the network to every probe; call it at each evaluated epoch."""
        for probe in self._probes.values():
            probe.observe(epoch, network)

    def finish(self, network: Network) -> tuple[Arrays, dict[str, Any]]:
        """All arrays to store, and the probes' part of the run's summary."""
        arrays: Arrays = {}
        summary: dict[str, Any] = {}
        for probe in self._probes.values():
            more, numbers = probe.finish(network)
            arrays |= more
            summary |= numbers
        return arrays, summary

    def state(self) -> Arrays:
        """What the probes have gathered, as arrays named ``<probe>/<name>``."""
        return {
            f"{name}/{key}": array
            for name, probe in self._probes.items()
            for key, array in probe.state().items()
        }

    def restore(self, arrays: Arrays) -> None:
        """Go on from ``state``; other names are ignored."""
        for name, probe in self._probes.items():
            prefix = f"{name}/"
            mine = {k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)}
            if mine:
                probe.restore(mine)
