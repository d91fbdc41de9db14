"""Which cases a run plays."""

from collections.abc import Sequence
from dataclasses import dataclass

from evals.cases.schema import Case
from evals.running.asked import Asked


@dataclass(frozen=True)
class Selection:
    """Everything where nothing is named. Of several suites, tags or owners any one will do."""

    suites: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()

    def as_json(self) -> dict[str, list[str]]:
        """What was asked for, by the names of the options."""
        named = {"suite": self.suites, "tag": self.tags, "owner": self.owners, "case": self.cases}
        return {name: list(values) for name, values in named.items() if values}

    def of(self, cases: Sequence[Case]) -> list[Case]:
        """The cases that are meant; raises Asked for a name that nothing has."""
        self._check(cases)
        return [case for case in cases if self._means(case)]

    def _means(self, case: Case) -> bool:
        return (
            (not self.suites or case.suite in self.suites)
            and (not self.tags or bool(set(self.tags) & set(case.tags)))
            and (not self.owners or case.owner in self.owners)
            and (not self.cases or case.id in self.cases)
        )

    def _check(self, cases: Sequence[Case]) -> None:
        known = {
            "suite": (self.suites, {c.suite for c in cases}),
            "tag": (self.tags, {tag for c in cases for tag in c.tags}),
            "owner": (self.owners, {c.owner for c in cases}),
            "case": (self.cases, {c.id for c in cases}),
        }
        for kind, (asked, there) in known.items():
            if unknown := sorted(set(asked) - there):
                raise Asked(f"No case has the {kind} {', '.join(unknown)}.")
