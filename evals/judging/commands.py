"""The commands that ask a model for its opinion, and that say what the opinion is worth."""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import mean

from evals.judging.agreement import agreement
from evals.judging.judge import Judgement, JudgeSettings, judge_all
from evals.judging.judged import Judged, answered, judge_run, load_judgements
from evals.judging.labels import LABELS, load_labels
from evals.models.choice import choosing
from evals.running.rows import find_run, load_run
from tools.embedded.parts import UNLIMITED, running_sandbox

SCORES = ("helpful", "clear", "kind")
LEAST_LIKED = 10
MEANS_NOTHING = (
    "The stand-in fills the form without reading it: what follows shows that the wiring works,"
    " and says nothing about any reply."
)
MADE_FOR_IT = (
    "These labels were set when the replies were made, not by people of a desk: the figure says"
    " whether the judge tells good replies from spoiled ones. See evals/judging/labels.py."
)


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Their parsers."""
    judging = commands.add_parser("judge", help="a model's opinion of the replies of a run")
    judging.add_argument("run", nargs="?", default="latest")
    judging.set_defaults(command=judge)
    agreeing = commands.add_parser("agree", help="how far that opinion agrees with labels")
    agreeing.add_argument("--labels", type=Path, default=LABELS, metavar="FILE")
    agreeing.set_defaults(command=agree)
    for parser in (judging, agreeing):
        parser.add_argument("--model", choices=("live", "stand-in"), default="live")
        parser.add_argument("--model-name", default="", metavar="NAME")


def judge(given: argparse.Namespace) -> int:
    """Judge a run and say what was liked least. No exit code depends on an opinion."""
    folder = find_run(given.run)
    with judging_model(given.model, given.model_name) as settings:
        path = asyncio.run(judge_run(folder, settings))
    found = load_judgements(folder, settings.model)
    asked = len(answered(load_run(folder)[1]))
    for line in report_of(found, asked):
        print(line)
    print(path)
    liked = sum(judged.judgement.is_acceptable for judged in found)
    print(json.dumps({"turns": asked, "judged": len(found), "acceptable": liked}))
    return 0


def agree(given: argparse.Namespace) -> int:
    """Judge the labelled replies and say how far judge and labels agree."""
    labels = load_labels(given.labels)
    found: dict[str, Judgement] = {}
    with judging_model(given.model, given.model_name) as settings:
        asking = judge_all({one.id: one.question for one in labels}, settings, found.setdefault)
        asyncio.run(asking)
    judged = [(label, found[label.id]) for label in labels if label.id in found]
    for label, opinion in judged:
        if opinion.is_acceptable != label.is_acceptable:
            print(f"{label.id} is {label.flaw or 'acceptable'}; the judge: {opinion.reason}")
    measured = agreement(
        [label.is_acceptable for label, _ in judged],
        [opinion.is_acceptable for _, opinion in judged],
    )
    if given.labels == LABELS:
        print(MADE_FOR_IT)
    print(measured.sentence())
    low, high = measured.interval
    figures = {"agree": measured.share, "kappa": measured.kappa, "low": low, "high": high}
    rounded = {name: round(figure, 3) for name, figure in figures.items()}
    print(json.dumps({"labels": len(labels), **rounded, "judged": len(judged)}))
    return 0


@contextmanager
def judging_model(mode: str, name: str) -> Iterator[JudgeSettings]:
    """The model to ask; of the stand-in it says at once that it means nothing."""
    with ExitStack() as stack:
        root = ""
        if mode == "stand-in":
            print(MEANS_NOTHING)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            parts = stack.enter_context(running_sandbox(folder, *UNLIMITED))
            root = parts["XERO_API_URL"].removesuffix("/xero")
        model = stack.enter_context(choosing("stand-in" if root else "live", name))
        url = model.settings.get("OPENAI_BASE_URL")
        yield JudgeSettings(
            key=model.settings["OPENAI_API_KEY"],
            base_url=url.replace("{sandbox}", root) if url else None,
            model=model.name,
        )


def report_of(found: Sequence[Judged], asked: int) -> list[str]:
    """Mean scores, then the replies that were liked least."""
    lines = [f"{len(found)} of {asked} answered turns judged; this is advice, see `agree`"]
    if len(found) < asked:
        lines.append(f"{asked - len(found)} have no judgement: the model failed; run it again")
    if not found:
        return lines
    lines += [f"{name} {mean(_score(one, name) for one in found):.2f} of 5" for name in SCORES]
    refused = [judged for judged in found if not judged.judgement.is_acceptable]
    lines.append(f"{len(refused)} not acceptable")
    for judged in sorted(found, key=_liking)[:LEAST_LIKED]:
        scores = "/".join(str(_score(judged, score)) for score in SCORES)
        lines.append(f"  {_place(judged)}: {scores} {judged.judgement.reason}".rstrip())
    return lines


def _score(judged: Judged, name: str) -> int:
    return int(getattr(judged.judgement, name))


def _liking(judged: Judged) -> tuple[bool, int]:
    return (judged.judgement.is_acceptable, sum(_score(judged, score) for score in SCORES))


def _place(judged: Judged) -> str:
    trial = f", trial {judged.trial}" if judged.trial > 1 else ""
    return f"{judged.case}{trial}, turn {judged.turn}"
