"""Judges the answered turns of a run and keeps what was said beside its results."""

from collections.abc import Iterable
from pathlib import Path

from evals.judging.judge import Judgement, JudgeSettings, Question, judge_all, version
from evals.judging.questions import questions_of
from evals.outcome import Record, Row
from evals.running.rows import drop_torn_end, load_run

JUDGEMENTS = "judgements.jsonl"
Place = tuple[str, int, int]  # case, trial, turn


class Judged(Record):
    """A line of judgements.jsonl: one turn, judged by one model asked with one prompt."""

    case: str
    trial: int
    turn: int
    judgement: Judgement
    model: str
    prompt: str

    @property
    def place(self) -> Place:
        """Where in the run it is."""
        return (self.case, self.trial, self.turn)


async def judge_run(folder: Path, settings: JudgeSettings) -> Path:
    """Judge what this model has not judged with this prompt; the results are only read.

    A turn without a judgement has no line, so that the next time it is asked about again.
    """
    _, rows = load_run(folder)
    done = {judged.place for judged in load_judgements(folder, settings.model)}
    left = {place: q for place, q in answered(rows).items() if place not in done}
    path = folder / JUDGEMENTS
    drop_torn_end(path)
    with path.open("a", encoding="utf-8") as file:

        def keep(place: Place, judgement: Judgement) -> None:
            case, trial, turn = place
            line = Judged(
                case=case,
                trial=trial,
                turn=turn,
                judgement=judgement,
                model=settings.model,
                prompt=version(),
            )
            file.write(line.model_dump_json() + "\n")
            file.flush()

        await judge_all(left, settings, keep)
    return path


def answered(rows: Iterable[Row]) -> dict[Place, Question]:
    """Every answered turn, by its place."""
    return {
        (row.case, row.trial, number): question
        for row in rows
        for number, question in questions_of(row)
    }


def load_judgements(folder: Path, model: str) -> list[Judged]:
    """What this model said of a run, asked with the present prompt."""
    path = folder / JUDGEMENTS
    if not path.exists():
        return []
    *lines, _torn = path.read_text(encoding="utf-8").split("\n")
    every = (Judged.model_validate_json(line) for line in lines)
    return [judged for judged in every if (judged.model, judged.prompt) == (model, version())]
