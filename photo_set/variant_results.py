# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of a variant that is made in the same run as its set, and how its events are reported."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..messages import events
from ..messages.progress import Reporter
from .folder import SetFolder
from .labels import label_of_variant
from .plan import SetPlan
from .results import SetResults
from .variants import Variant


@dataclass(frozen=True, slots=True)
class _VariantReporter:
    """Reports the events of a variant under its name, without the warnings ``told`` about the first variant."""

    reporter: Reporter
    name: str
    told: frozenset[str]

    def tell(self, event: events.Event) -> None:
        if isinstance(event, events.Progress):
            label = label_of_variant(self.name, event.label) if event.label else self.name
            self.reporter.tell(replace(event, label=label))
        elif isinstance(event, events.Warning):
            if event.text not in self.told:
                self.reporter.tell(replace(event, text=label_of_variant(self.name, event.text)))
        elif not isinstance(event, events.Note):
            self.reporter.tell(event)

    def detail(self, event: events.Event) -> None:
        self.reporter.detail(event)

    def result(self, found: Iterable[events.Event], text: str) -> None:
        """Nothing asks a variant for a result."""


def results_of_variant(first: SetResults, variant: Variant, folder: SetFolder, plan: SetPlan) -> SetResults:
    """The results of another variant of the set ``first``: in its own ``folder``, by its own ``plan``, in the same run."""
    triage = first.folder.record["model"].get("triage", [])
    told = frozenset(finding["text"] for finding in triage)
    return SetResults(
        plan=plan,
        folder=folder,
        reporter=_VariantReporter(first.reporter, variant.name, told),
        stop=first.stop,
        variant=variant,
        has_worked=first.has_worked,
        activity=first.activity,
    )
