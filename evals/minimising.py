"""Drops turns of a failing case for as long as it fails in the same way."""

import asyncio
from collections.abc import Mapping

from evals.cases.schema import Case
from evals.lanes.lane import Lane
from evals.lanes.tree import Tree
from evals.outcome import Verdict
from evals.play.observing import observing
from evals.play.player import Player
from evals.running.asked import Asked
from evals.running.runner import running_lanes
from evals.scorers.every import verdicts

Failure = tuple[str, str]  # scorer and reason, whatever the turn


def minimise(case: Case, tree: Tree, settings: Mapping[str, str]) -> Case:
    """The shortest case found that still fails so; raises Asked for one that passes."""
    with running_lanes(tree, settings, 1) as (lane,):
        return asyncio.run(_minimise(case, lane))


async def _minimise(case: Case, lane: Lane) -> Case:
    async with observing(lane.database_url) as observer:
        player = Player(lane, observer)
        wanted = await _failures(case, player)
        if not wanted:
            raise Asked(f"{case.id} passes: there is nothing to make shorter.")
        is_shorter = True
        while is_shorter:
            is_shorter = False
            for number in reversed(range(len(case.turns))):
                shorter = _without(case, number)
                if shorter and wanted & await _failures(shorter, player):
                    print(f"fails without turn {number + 1} too")
                    case, is_shorter = shorter, True
        return case


def _without(case: Case, number: int) -> Case | None:
    turns = case.turns[:number] + case.turns[number + 1 :]
    return case.model_copy(update={"turns": turns}) if turns else None


async def _failures(case: Case, player: Player) -> set[Failure]:
    filled, outcome = await player.play(case)
    return {_failure(found) for found in verdicts(filled, outcome) if not found.passed}


def _failure(verdict: Verdict) -> Failure:
    return verdict.scorer, verdict.reason
