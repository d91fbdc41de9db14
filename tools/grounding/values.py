"""The values that sources hold, by kind, and whether one of them is what a claim says."""

from dataclasses import dataclass, field
from datetime import date

from tools.grounding.claim import Claim
from tools.grounding.clock import NAMES

MEASURES = frozenset({"days", "minutes", "months", "degrees", "grams", "ml", "money", "percent"})
# What one sentence calls pieces another calls items, sets or orders.
ALIKE = (
    frozenset({"pieces", "products", "things"}),
    frozenset({"invoices", "orders", "products", "payments", "incidents", "things"}),
    frozenset({"packs", "things"}),
)
WHOLE_DAYS = 10
MINUTES_OF_DAY = 24 * 60


@dataclass
class Values:
    """Values by kind; `numbers` says for each number what it counts in the sources."""

    kinds: dict[str, set[str]] = field(default_factory=dict)
    numbers: dict[str, set[str]] = field(default_factory=dict)
    roles: dict[str, set[str]] = field(default_factory=dict)

    def add(self, kind: str, value: str, unit: str = "", role: str = "") -> None:
        """Hold one more value."""
        for reading in value.split("|"):
            self._add(kind, reading.removeprefix("@"), unit, role)

    def _add(self, kind: str, value: str, unit: str, role: str) -> None:
        if kind == "number":
            self.numbers.setdefault(value, set()).add(unit)
            self._add_other_unit(value, unit)
            return
        self.kinds.setdefault(kind, set()).add(value)
        if kind in ("money", "percent"):
            self.numbers.setdefault(value, set()).add(kind)
        elif kind in ("date", "weekday"):
            self._add_day(value, role)
        elif kind == "time":
            self.numbers.setdefault(str(int(value[:2]) % 24), set()).add("hour")
            self.numbers.setdefault(str(int(value[:2]) % 12 or 12), set()).add("hour")

    def _add_other_unit(self, value: str, unit: str) -> None:
        """48 hours are two days; a day of business is not 24 hours."""
        if unit == "minutes" and value.isdecimal() and int(value) % MINUTES_OF_DAY == 0:
            self.numbers.setdefault(str(int(value) // MINUTES_OF_DAY), set()).add("days")

    def _add_day(self, value: str, role: str) -> None:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return
        self.kinds.setdefault("date", set()).add(value)
        self.roles.setdefault(value, set()).add(role)
        self.kinds.setdefault("weekday", set()).add(NAMES[day.weekday()])
        self.numbers.setdefault(str(day.year), set()).add("year")

    def update(self, other: "Values") -> None:
        """Hold all that another holds."""
        for mine, theirs in (
            (self.kinds, other.kinds),
            (self.numbers, other.numbers),
            (self.roles, other.roles),
        ):
            for key, found in theirs.items():
                mine.setdefault(key, set()).update(found)

    def hold(self, claim: Claim) -> bool:
        """Whether one reading of the claim stands here."""
        return any(self._holds(claim.kind, reading, claim.unit) for reading in claim.readings)

    def _holds(self, kind: str, value: str, unit: str) -> bool:
        if value.startswith("@"):
            return bool(self.days_like(value[1:]))
        match kind:
            case "number":
                return self._counts(value, unit)
            case "date":
                return bool(self.days_like(value)) or value in self.kinds.get(kind, ())
            case "weekday" if value[:1].isdigit():
                return bool(self.days_like(value))
            case "id":
                return self._names(value)
            case "share":
                return value in self.kinds.get("share", ()) or value in self.kinds.get(
                    "percent", ()
                )
            case _:
                return value in self.kinds.get(kind, ())

    def days_like(self, value: str) -> set[str]:
        """The days that a date, also one without its year or month, can mean."""
        if not value.startswith("-") and len(value) != len("2026-12"):
            return {value} & self.roles.keys()
        if value.startswith("---"):
            return {d for d in self.roles if d.endswith(value[2:])}
        if value.startswith("--"):  # --12-03, or --12 for the month
            part = value[1:]
            return {d for d in self.roles if d.endswith(part) or d[4:7] == part}
        return {d for d in self.roles if d.startswith(value)}

    def _counts(self, value: str, unit: str) -> bool:
        families = self.numbers.get(value)
        if not families:
            return False
        if not unit or "" in families or unit in families:
            return True
        return any(unit in group and group & families for group in ALIKE) or (
            unit == "things" and not families <= MEASURES | {"hour", "year"}
        )

    def _names(self, value: str) -> bool:
        known = self.kinds.get("id", set())
        if not value.startswith("#"):
            return value in known
        digits = value[1:].lstrip("0")
        return any(
            k.endswith(digits) and not k[: -len(digits)].strip("0")[-1:].isdigit() for k in known
        ) or (value[1:] in self.numbers)
