"""Which claims hold whatever was chosen where the article leaves a choice ("multiverse").

Steegen, Tuerlinckx, Gelman and Vanpaemel (2016): the same analysis under every plausible choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reglab.core.claims import REGISTRY, Claim, Outcome, decide
from reglab.core.presets.choices import CHOICES, Choice, choice_of, is_printed
from reglab.core.spec import ExperimentSpec

PRINTED = Choice("printed", "as the presets say", {})


@dataclass(frozen=True)
class Experiment:
    """What is to be known of one to place it."""

    id: str
    preset: str | None
    spec: ExperimentSpec


@dataclass(frozen=True)
class Table:
    """Claims by choice.

    Attributes:
        choices: The columns, the presets' own first.
        experiments: Ids of those whose runs decide the claims of each column.
        claims: Ids of the claims that any choice bears on, the rows.
        outcomes: By (claim, choice); none where a choice does not change a claim's runs.
    """

    choices: Sequence[Choice]
    experiments: Mapping[str, Sequence[str]]
    claims: Sequence[str]
    outcomes: Mapping[tuple[str, str], Outcome]

    def is_robust(self, claim: str) -> bool:
        """Whether it was measured under all choices that bear on it, with the same verdict."""
        bears = [one for one in self.choices if one is PRINTED or _bears(one, REGISTRY[claim])]
        found = [self.outcomes.get((claim, one.name)) for one in bears]
        return None not in found and len({one.verdict for one in found if one is not None}) == 1


def by_choice(experiments: Iterable[Experiment]) -> dict[str, list[str]]:
    """Ids of the experiments of each choice that was run, the presets' own first.

    A choice has the experiments that it changes, and the printed ones of presets with which they
    share a claim. Experiments of no preset, of a preset changed in any other way, and of one
    without a printed experiment to compare with, are left out.
    """
    printed: dict[str, list[str]] = {}
    changed: dict[str, dict[str, list[str]]] = {}
    for one in experiments:
        if one.preset is None:
            continue
        choice = choice_of(one.preset, one.spec)
        if choice is not None:
            changed.setdefault(choice.name, {}).setdefault(one.preset, []).append(one.id)
        elif is_printed(one.preset, one.spec):
            printed.setdefault(one.preset, []).append(one.id)
    pages = {PRINTED.name: printed}
    for choice in CHOICES:
        own = {name: ids for name, ids in changed.get(choice.name, {}).items() if name in printed}
        if own:
            beside = {preset for claim in _touched(choice) for preset in claim.presets}
            others = beside - set(choice.changes)
            pages[choice.name] = own | {name: printed[name] for name in printed if name in others}
    return {name: [each for ids in page.values() for each in ids] for name, page in pages.items()}


def table(
    experiments: Iterable[Experiment], decided: Callable[[Sequence[str]], Sequence[Outcome]]
) -> Table:
    """Verdicts by claim and choice.

    Args:
        experiments: Finished ones.
        decided: What the claims say of the experiments of some ids, decided together.
    """
    pages = by_choice(experiments)
    choices = [each for each in (PRINTED, *CHOICES) if each.name in pages]
    if choices == [PRINTED]:
        return Table(choices, pages, (), {})
    printed = {one.claim.id: one for one in decided(pages[PRINTED.name])}
    found = {(claim, PRINTED.name): one for claim, one in printed.items()}
    varied = set()
    for choice in choices[1:]:
        own = {one.claim.id: one for one in decided(pages[choice.name])}
        touched = {claim.id for claim in _touched(choice) if own[claim.id].value is not None}
        # Of as many claims as the printed ones, so that no verdict turns by the correction alone.
        together = decide([own[each] if each in touched else printed[each] for each in printed])
        found |= {(one.claim.id, choice.name): one for one in together if one.claim.id in touched}
        varied |= touched
    rows = [claim for claim in printed if claim in varied]
    return Table(choices, pages, rows, {key: one for key, one in found.items() if key[0] in varied})


def _touched(choice: Choice) -> list[Claim]:
    findings = [claim for claim in REGISTRY.values() if claim.kind == "finding"]
    return [claim for claim in findings if _bears(choice, claim)]


def _bears(choice: Choice, claim: Claim) -> bool:
    return bool(set(claim.presets) & set(choice.changes))
