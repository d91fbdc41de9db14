"""Plays a case to a turn, then the rest of it twice from the same world: as it is, and changed."""

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from evals.cases.schema import Case
from evals.lanes.lane import Lane, Place, running_lane, running_servers
from evals.lanes.tree import Tree
from evals.outcome import Row
from evals.play.observing import observing
from evals.play.player import Player, Scene
from evals.running.asked import Asked
from evals.running.runner import Trial, row_of
from evals.scorers.every import verdicts


@dataclass(frozen=True)
class Side:
    """Code with its prompts and policies, and the settings of its service."""

    tree: Tree
    settings: Mapping[str, str]


def fork(case: Case, from_turn: int, base: Side, changed: Side) -> tuple[Row, Row]:
    """The rows of both. Turns are counted from 1, and `from_turn` is the first that is forked.

    The world is copied with all its checkpoints, cards and books while nothing runs on it.
    """
    if not 1 <= from_turn <= len(case.turns):
        raise Asked(f"{case.id} has {len(case.turns)} turns: fork it from one of them.")
    with (
        tempfile.TemporaryDirectory(prefix="tria-fork-") as name,
        running_servers(Path(name)) as servers,
    ):
        one, other = Place(servers, 1), Place(servers, 2)
        one.make(base.tree)
        with running_lane(one, base.tree, base.settings) as lane:
            scene = asyncio.run(_begin(case, from_turn, lane))
        other.copy_from(one)
        other.migrate(changed.tree)
        return _rest(scene, from_turn, one, base), _rest(scene, from_turn, other, changed)


async def _begin(case: Case, from_turn: int, lane: Lane) -> Scene:
    async with observing(lane.database_url) as observer:
        player = Player(lane, observer)
        scene = await player.begin(case)
        await player.go_on(scene, scene.case.turns[: from_turn - 1], is_end=False)
        return scene


def _rest(scene: Scene, from_turn: int, place: Place, side: Side) -> Row:
    with running_lane(place, side.tree, side.settings) as lane:
        return asyncio.run(_go_on(scene, from_turn, lane))


async def _go_on(scene: Scene, from_turn: int, lane: Lane) -> Row:
    lane.go_on()
    turns = [turn.model_copy(deep=True) for turn in scene.turns]
    mine = replace(scene, turns=turns, calls_seen=0)
    async with observing(lane.database_url) as observer:
        outcome = await Player(lane, observer).finish(mine, mine.case.turns[from_turn - 1 :])
    return row_of(Trial(mine.case, 1), outcome, verdicts(mine.case, outcome))
