"""`python -m evals.probe classify|screen|ground|retrieve`: one part of the service, from outside.

Reads JSON lines on standard input and writes one JSON line for each. A line that cannot be read
is answered with `{"error": ...}`, so that answers and questions stay in step.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import policies
from evals.probe.ground import ground
from evals.probe.screen import screen_row
from graph.settings import environment
from tools.embedded.minilm import build_minilm
from tools.search.embedder import Embedder

Row = dict[str, Any]
Answer = Callable[[Row], Awaitable[Row]]


def main() -> None:
    """Answer every line of standard input."""
    parser = argparse.ArgumentParser(prog="python -m evals.probe", description=__doc__)
    parser.add_argument("part", choices=("classify", "screen", "ground", "retrieve"))
    parser.add_argument("--corpus", type=Path, help="retrieve: a folder of Markdown or JSON lines")
    given = parser.parse_args()
    if given.corpus and not given.corpus.is_dir():
        parser.error(f"{given.corpus} is no folder")
    asyncio.run(_answer_all(_answer(given.part, given.corpus)))


async def _answer_all(answer: Answer) -> None:
    for line in sys.stdin:
        if line.strip():
            print(json.dumps(await _answered(line, answer), ensure_ascii=False), flush=True)


async def _answered(line: str, answer: Answer) -> Row:
    try:
        row = json.loads(line)
        return await answer(row)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def _answer(part: str, corpus: Path | None) -> Answer:
    match part:
        case "classify":
            from evals.probe.classify import Understanding  # noqa: PLC0415 (loads the graph)

            return Understanding(_embedder()).classify
        case "retrieve":
            from evals.probe.retrieve import open_corpus  # noqa: PLC0415 (loads Chroma)

            folder = corpus or Path(policies.__path__[0])
            return _plain(open_corpus(folder, _embedder()).retrieve_row)
        case "screen":
            return _plain(screen_row)
        case _:
            return _plain(ground)


def _plain(function: Callable[[Row], Row]) -> Answer:
    async def answer(row: Row) -> Row:
        return function(row)

    return answer


def _embedder() -> Embedder:
    return Embedder(build_minilm(Path(environment().get("TRIA_DATA", ".tria")) / "minilm"))


if __name__ == "__main__":
    main()
