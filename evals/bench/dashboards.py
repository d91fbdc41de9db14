"""`make bench-dashboards`: every dashboard over a service with customers and troubles, drawn.

Where there is no Grafana, this shows what its panels would: the queries are those of the committed
dashboards, the answers those of a Prometheus that looks at a service under load, and the drawing is
ours. A panel without data is named; the exit code says whether one is that should have some.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from playwright.sync_api import sync_playwright

from evals.bench.board.asking import Span, series_of
from evals.bench.board.backups import archiving, backups
from evals.bench.board.drawing import drawn, page
from evals.bench.board.life import Event, customers, troubled
from evals.bench.drill.stand import Stand, standing
from evals.reports.textfile import FILE as EVALS
from evals.running.rows import TEXTFILES
from monitoring.grafana.boards import DASHBOARDS

PICTURES = Path("docs") / "monitoring"
WIDTH = 1400
SETTINGS = {"TRIA_SYNTHETIC_SECONDS": "20", "TRIA_USER_READS": "120"}
# A machine without containers has nothing to say about them.
ELSEWHERE = {"tria-dependencies: Containers: memory"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Live, draw, and say which panels have data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--into", type=Path, default=PICTURES)
    asked = parser.parse_args(arguments)
    with standing(SETTINGS, archiving) as stand:
        _tell_of_evals(stand)
        started = time.time()
        with customers(stand), backups(stand):
            events = troubled(stand, asked.minutes * 60)
        pages, with_data = draw(stand.prometheus, Span(started, time.time()), events)
    shoot(pages, asked.into)
    empty = sorted(name for name, has_data in with_data.items() if not has_data)
    told = {"panels": len(with_data), "with_data": len(with_data) - len(empty)}
    print(json.dumps(told | {"without_data": empty}))
    return 1 if set(empty) - ELSEWHERE else 0


def draw(
    prometheus: str, span: Span, events: Sequence[Event]
) -> tuple[dict[str, str], dict[str, bool]]:
    """Each dashboard as a page, and of each panel whether there was something to draw."""
    pages, with_data = {}, {}
    for dashboard in DASHBOARDS:
        pictures = [
            drawn(panel, series_of(prometheus, panel, span), span) for panel in dashboard.panels
        ]
        pages[dashboard.uid] = page(dashboard, pictures, span, events)
        for picture in pictures:
            with_data[f"{dashboard.uid}: {picture.panel.title}"] = bool(picture.lines)
    return pages, with_data


def shoot(pages: Mapping[str, str], folder: Path) -> None:
    """A picture of each page."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, content in pages.items():
            shown = chromium.new_page(viewport={"width": WIDTH, "height": 400})
            shown.set_content(content)
            shown.screenshot(path=folder / f"{name}.png", full_page=True)
            shown.close()
        chromium.close()


def _tell_of_evals(stand: Stand) -> None:
    """What the last whole run of the evals on this machine was judged to be."""
    if (TEXTFILES / EVALS).exists():
        shutil.copy(TEXTFILES / EVALS, stand.folder / "monitoring" / "textfiles")


if __name__ == "__main__":
    sys.exit(main())
