"""The results as JUnit XML, which CI systems show beside their other tests."""

import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from evals.comparing.trials import told
from evals.outcome import Row
from evals.reports.cases import PlayedCase, cases_of

FILE = "junit.xml"
# What XML 1.0 cannot hold, not even escaped.
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(folder: Path, rows: Iterable[Row]) -> Path:
    """Write junit.xml: a suite a suite, a test a case with all its trials."""
    suites: dict[str, list[PlayedCase]] = {}
    for case in cases_of(rows):
        suites.setdefault(case.rows[0].suite, []).append(case)
    every = [case for cases in suites.values() for case in cases]
    root = ET.Element("testsuites", {"name": "evals", **_counts(every)})
    for suite, cases in sorted(suites.items()):
        element = ET.SubElement(root, "testsuite", {"name": _clean(suite), **_counts(cases)})
        element.extend(_test(case) for case in sorted(cases, key=lambda case: case.name))
    ET.indent(root)
    path = folder / FILE
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path


def _counts(cases: list[PlayedCase]) -> dict[str, str]:
    statuses = [case.status for case in cases]
    return {
        "tests": str(len(cases)),
        "failures": str(statuses.count("failed") + statuses.count("flaky")),
        "errors": "0",
        "skipped": str(statuses.count("skipped")),
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }


def _test(case: PlayedCase) -> ET.Element:
    test = ET.Element(
        "testcase",
        classname=_clean(f"evals.{case.rows[0].suite}"),
        name=_clean(case.name),
        time=f"{case.seconds:.3f}",
    )
    if case.status == "skipped":
        ET.SubElement(test, "skipped", message=_clean(case.rows[0].skipped or ""))
    elif case.status != "passed":
        lines = _failures(case)
        ET.SubElement(test, "failure", type=case.status, message=_clean(lines[0])).text = _clean(
            "\n".join(lines)
        )
    return test


def _failures(case: PlayedCase) -> list[str]:
    several = len(case.rows) > 1
    lines = [
        (f"trial {row.trial}, " if several else "") + told(verdict)
        for row, verdict in case.failures
    ]
    crashes = [row.outcome.crash for row in case.played if row.outcome.crash]
    return [*lines, *crashes] or ["it failed, and no verdict says why"]


def _clean(text: str) -> str:
    return FORBIDDEN.sub("", text)
