"""Brings a run of the evals to LangSmith. Publishing it again changes and repeats nothing.

A suite is a dataset, a case one of its examples. A run of the evals is one experiment a suite,
a row a run in it, and what a scorer says of a row is feedback.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from langsmith import Client
from langsmith.schemas import Dataset, TracerSession
from langsmith.utils import LangSmithNotFoundError

from evals.cases.schema import Case
from evals.outcome import Row, Run
from evals.publishing.tracing import KEY, traces_project
from tools.errors import TriaError

Json = dict[str, Any]
# Score and comment of feedback, by its id.
Kept = dict[UUID, tuple[Any, str | None]]
AT_ONCE = 50
PASSED = "passed"
SHOWN = ("citations", "card", "handoff")


class NotPublished(TriaError):
    """LangSmith did not take all of it; publishing again goes on where this ended."""

    code = "not_published"


@dataclass
class LangSmith:
    """The client, and what went wrong while it sent things in the background."""

    client: Client
    errors: list[Exception] = field(default_factory=list)


@dataclass(frozen=True)
class Published:
    """Where it can be read: the experiment of each suite, and what a turn's trace begins with."""

    experiments: dict[str, str]
    traces: str | None

    def trace(self, run_id: str) -> str | None:
        """The address of one turn's trace."""
        return _trace(self.traces, run_id)


def langsmith_of(known: Mapping[str, str]) -> LangSmith | None:
    """A client where there is a key, else None."""
    if not known.get(KEY):
        return None
    errors: list[Exception] = []
    client = Client(
        api_key=known[KEY],
        api_url=known.get("LANGSMITH_ENDPOINT"),
        workspace_id=known.get("LANGSMITH_WORKSPACE_ID"),
        tracing_error_callback=errors.append,
    )
    return LangSmith(client, errors)


def publish(
    run: Run, rows: Sequence[Row], cases: Sequence[Case], langsmith: LangSmith
) -> Published:
    """Bring everything there; raises NotPublished where something did not arrive."""
    client, known = langsmith.client, {case.id: case for case in cases}
    traces = _traces(client, run)
    experiments = {}
    for suite, played in sorted(_by_suite(rows).items()):
        dataset = _dataset(client, suite)
        _put_examples(client, dataset, [c for c in cases if c.suite == suite])
        experiment = _experiment(client, run, suite, dataset)
        of_suite = [_Played(row, known.get(row.case), run, experiment, traces) for row in played]
        kept = _kept(client, of_suite)
        for each in of_suite:
            if uuid5(each.id, PASSED) not in kept:
                _put_run(client, dataset, each)
        _wait(langsmith)  # feedback says that its run is there
        for each in of_suite:
            _put_verdicts(client, each, kept)
        experiments[suite] = experiment.url or ""
    _wait(langsmith)
    return Published(experiments, traces)


def _by_suite(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if not row.skipped:
            found[row.suite].append(row)
    return found


def _dataset(client: Client, suite: str) -> Dataset:
    name = f"tria-{suite}"
    if not client.has_dataset(dataset_name=name):
        client.create_dataset(name, description=f"Conversations of the suite {suite}.")
    dataset: Dataset = client.read_dataset(dataset_name=name)
    return dataset


def _put_examples(client: Client, dataset: Dataset, cases: Sequence[Case]) -> None:
    """New cases are added, those that have changed are replaced; nothing is taken away."""
    kept = {e.id: (e.inputs, e.outputs) for e in client.list_examples(dataset_id=dataset.id)}
    added, changed = [], []
    for case in cases:
        key, asked, expected = example_id(dataset.id, case.id), _asked(case), _expected(case)
        about = {"case": case.id, "tags": list(case.tags), "owner": case.owner}
        example = {"id": key, "inputs": asked, "metadata": about}
        if key not in kept:
            added.append(example | {"reference_outputs": expected})
        elif kept[key] != (asked, expected):
            changed.append(example | {"outputs": expected})
    if added:
        client.create_examples(dataset_id=dataset.id, examples=added)
    if changed:
        client.update_examples(dataset_id=dataset.id, updates=changed)


def example_id(dataset_id: UUID, case_id: str) -> UUID:
    """The same for a case whenever it is published."""
    return uuid5(dataset_id, case_id)


def _asked(case: Case) -> Json:
    turns = [
        turn.model_dump(mode="json", exclude={"expect"}, exclude_defaults=True)
        for turn in case.turns
    ]
    return {"customer": case.customer, "clock": case.clock.isoformat(), "turns": turns}


def _expected(case: Case) -> Json:
    turns = [turn.expect.model_dump(mode="json", exclude_defaults=True) for turn in case.turns]
    ends = [end.model_dump(mode="json", exclude_defaults=True) for end in case.ends]
    return {"turns": turns, "ends": ends}


def _experiment(client: Client, run: Run, suite: str, dataset: Dataset) -> TracerSession:
    name = f"{run.id}-{suite}"
    if not client.has_project(name):
        versions = run.versions.model_dump(exclude={"prompts"})
        prompts = {f"prompt_{name}": version for name, version in run.versions.prompts.items()}
        about = {"run": run.id, "mode": run.mode, "label": run.label, "trials": run.trials}
        client.create_project(
            name, metadata=about | versions | prompts, reference_dataset_id=dataset.id
        )
    experiment: TracerSession = client.read_project(project_name=name)
    return experiment


def _traces(client: Client, run: Run) -> str | None:
    """The address of the project with the traces of this run's turns, where there are any."""
    try:
        project: TracerSession = client.read_project(project_name=traces_project(run.id))
    except LangSmithNotFoundError:
        return None
    return project.url


def _trace(traces: str | None, run_id: str) -> str | None:
    return f"{traces}/r/{run_id}?poll=true" if traces else None


@dataclass(frozen=True)
class _Played:
    """A row and where it goes."""

    row: Row
    case: Case | None
    run: Run
    experiment: TracerSession
    traces: str | None

    @property
    def id(self) -> UUID:
        return uuid5(self.experiment.id, f"{self.row.case} {self.row.trial}")


def _kept(client: Client, played: Sequence[_Played]) -> Kept:
    """What LangSmith has of these rows already."""
    ids = [each.id for each in played]
    return {
        feedback.id: (feedback.score, feedback.comment)
        for first in range(0, len(ids), AT_ONCE)
        for feedback in client.list_feedback(run_ids=ids[first : first + AT_ONCE])
    }


def _put_verdicts(client: Client, played: _Played, kept: Kept) -> None:
    for key, score, comment in _said_of(played.row):
        feedback_id = uuid5(played.id, key)
        if feedback_id not in kept:
            client.create_feedback(
                run_id=played.id,
                trace_id=played.id,
                key=key,
                score=score,
                comment=comment,
                feedback_id=feedback_id,
                session_id=played.experiment.id,
                start_time=datetime.fromisoformat(played.run.started_at),
            )
        elif kept[feedback_id] != (score, comment):
            client.update_feedback(feedback_id, score=score, comment=comment)


def _wait(langsmith: LangSmith) -> None:
    """Until what was handed over has arrived."""
    langsmith.client.flush()
    if langsmith.errors:
        raise NotPublished(f"LangSmith did not take everything: {langsmith.errors[0]}")


def _put_run(client: Client, dataset: Dataset, played: _Played) -> None:
    row, began = played.row, datetime.fromisoformat(played.run.started_at)
    about = {"case": row.case, "trial": row.trial, "run": played.run.id, "family": row.family}
    client.create_run(
        row.case,
        _asked(played.case) if played.case else {"case": row.case},
        "chain",
        project_name=played.experiment.name,
        id=played.id,
        trace_id=played.id,
        dotted_order=f"{began:%Y%m%dT%H%M%S%fZ}{played.id}",
        start_time=began,
        end_time=began + timedelta(seconds=row.seconds),
        outputs=_outputs(played),
        error=row.outcome.crash,
        reference_example_id=example_id(dataset.id, row.case) if played.case else None,
        extra={"metadata": about | {"usd": row.usd, "tokens": row.tokens}},
        tags=row.tags,
    )


def _outputs(played: _Played) -> Json:
    turns = [
        {
            "said": turn.said or turn.kind,
            "reply": turn.reply,
            **{name: turn.extra[name] for name in SHOWN if turn.extra.get(name)},
            "run_id": turn.run_id,
            "trace": turn.run_id and _trace(played.traces, turn.run_id),
        }
        for turn in played.row.outcome.turns
    ]
    books = [f"{each.kind} {each.number}".strip() for each in played.row.outcome.books]
    return {"passed": played.row.passed, "turns": turns, "books": books}


def _said_of(row: Row) -> Iterator[tuple[str, float, str | None]]:
    """Key, score and comment: of the whole row, then of each scorer over all turns."""
    yield PASSED, float(row.passed), None
    for scorer in dict.fromkeys(verdict.scorer for verdict in row.verdicts):
        failed = [v for v in row.verdicts if v.scorer == scorer and not v.passed]
        reasons = [f"turn {v.turn}: {v.reason}" if v.turn else v.reason for v in failed]
        yield scorer, float(not failed), "\n".join(reasons) or None
