"""Leaves out of an answer what a client did not ask for."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

STEP = re.compile(r"([^.\[\]]+)|\[(-?\d{1,6})\]")


def selected(answer: dict[str, Any], names: Sequence[str] | None) -> dict[str, Any]:
    """The named fields alone; `values.messages` names one of the values. None: all of it."""
    if names is None:
        return answer
    chosen = {name: answer[name] for name in names if name in answer}
    keys = {n.removeprefix("values.") for n in names if n.startswith("values.")}
    if keys and "values" not in chosen and isinstance(answer.get("values"), dict):
        chosen["values"] = {key: v for key, v in answer["values"].items() if key in keys}
    return chosen


def extracted(answer: Mapping[str, Any], paths: Mapping[str, str]) -> dict[str, Any]:
    """What stands at each path, such as `values.messages[-1].content`; null for nothing."""
    return {alias: _at(answer, path) for alias, path in paths.items()}


def _at(value: Any, path: str) -> Any:
    for name, index in STEP.findall(path):
        try:
            value = value[int(index)] if index else value[name]
        except (KeyError, IndexError, TypeError):
            return None
    return value
