"""`make load`: every scenario one after the other, a JSON line, a page, and an exit code.

`make load QUICK=1` takes about ten minutes. One alone, longer or shorter: `python -m tests.load
--only soak --seconds 7200`. What was seen stands in .tria/load.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.load.playing import Played, play
from tests.load.report import write_report
from tests.load.scenarios import BY_NAME, CROWD, SCENARIOS, Scenario

FOLDER = Path(".tria") / "load"


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, write the report; 1 when a criterion failed or a promise was broken."""
    chosen = _options().parse_args(arguments)
    played: list[Played] = []
    for scenario in _wanted(chosen):
        print(f"{scenario.name}: {scenario.says}, {scenario.seconds:.0f} s", flush=True)
        more = dict(each.split("=", 1) for each in chosen.setting)
        played.append(play(scenario, chosen.folder / scenario.name, chosen.customers, more))
        _tell(played[-1])
        _write(chosen.folder, played, form="the quick form" if chosen.quick else "the full form")
    result = _result(played)
    (chosen.folder / "result.json").write_text(json.dumps(result, indent=1))
    print(f"Report: {chosen.folder / 'report.html'}")
    print(json.dumps(_short(played)))
    return 0 if result["passes"] else 1


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m tests.load")
    options.add_argument("--quick", action="store_true", help="all of it in ten minutes")
    options.add_argument("--only", default="", help="scenarios, with commas")
    options.add_argument("--seconds", type=float, help="how long each is played")
    options.add_argument("--users", type=int, help="at a time, in place of as many as it says")
    options.add_argument("--customers", type=int, default=CROWD)
    options.add_argument("--folder", type=Path, default=FOLDER)
    options.add_argument(
        "--setting", action="append", default=[], help="NAME=value, for the service under load"
    )
    return options


def _wanted(chosen: argparse.Namespace) -> list[Scenario]:
    names = chosen.only.split(",") if chosen.only else [scenario.name for scenario in SCENARIOS]
    if unknown := [name for name in names if name not in BY_NAME]:
        sys.exit(f"There is no {', '.join(unknown)}: choose from {', '.join(BY_NAME)}.")
    found = [BY_NAME[name].quickly if chosen.quick else BY_NAME[name] for name in names]
    return [each.played_by(chosen.users, chosen.seconds) for each in found]


def _tell(played: Played) -> None:
    verdict = played.verdict
    for each in verdict.criteria:
        state = {True: "held", False: "FAILED", None: "told"}[each.passes]
        ours = {True: "met", False: "missed", None: "-"}[each.is_ours]
        print(
            f"  {each.name:<18} {each.measured!s:>10} asked {each.asked!s:<6} {state:<7}"
            f" ours {each.ours!s:<6} {ours:<7} {each.remark}"
        )
    for name, found in verdict.broken.items():
        for line in found[:5]:
            print(f"  {name}: {line}")
    for error, count in verdict.figures["kinds_of_error"].items():
        print(f"  {count} x {error}")
    sys.stdout.flush()


def _write(folder: Path, played: Sequence[Played], form: str) -> None:
    passes = all(each.verdict.passes for each in played)
    head = {
        "at": time.strftime("%Y-%m-%d %H:%M"),
        "cores": os.cpu_count(),
        "form": form,
        "passes": passes,
        "outcome": "everything held" if passes else "something failed",
    }
    write_report(folder / "report.html", played, head)


def _result(played: Sequence[Played]) -> dict[str, object]:
    return {
        "passes": all(each.verdict.passes for each in played),
        "meets_ours": all(each.verdict.meets_ours for each in played),
        "scenarios": [each.verdict.as_json for each in played],
    }


def _short(played: Sequence[Played]) -> dict[str, object]:
    """What fits into a line."""
    shown = ("turns", "errors", "first_word_p50", "first_word_p95", "turn_p95")
    found: dict[str, object] = {"passes": all(each.verdict.passes for each in played)}
    for each in played:
        verdict = each.verdict
        figures = {name: verdict.figures[name] for name in shown}
        broken = sum(len(lines) for lines in verdict.broken.values())
        found[verdict.scenario.name] = {
            "passes": verdict.passes,
            "meets_ours": verdict.meets_ours,
            **figures,
            "broken": broken,
        }
    return found


if __name__ == "__main__":
    sys.exit(main())
