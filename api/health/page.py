"""The detailed page in both its forms, from what is remembered: it asks nothing."""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

from api.health.contract import OUTAGES, meaning, overall
from api.health.probes import Part, Probes
from graph.clients import now

COMPONENTS = {"postgres": "datastore", "redis": "datastore", "chroma": "datastore"}
MEDIA_TYPE = "application/health+json"


def page_of(probes: Probes) -> dict[str, Any]:
    """Each part: how it is and since when; what stops and what still works where it is not well.

    The whole warns while only parts are away that it can do without.
    """
    at = time.monotonic()
    states = probes.states(at)
    level = probes.watch.level if time.monotonic() < probes.watch.level_ends else None
    return {
        "status": overall(states),
        "version": version("tria"),
        "parts": {
            name: _part(probes.parts[name], state, at) | _outage(name, state)
            for name, state in states.items()
        },
        "breakers": {
            name: {"state": breaker.state, "since": breaker.since}
            for name, breaker in probes.breakers.items()
        },
        "orders": _orders(probes),
        "model": "configured"
        if probes.has_model
        else "not configured: replies come from templates",
        "is_draining": probes.is_draining,
        "log_level": level and {"level": level["level"], "until": _here(level["until"])},
    }


def health_of(probes: Probes) -> dict[str, Any]:
    """The same in the form that monitoring tools read (draft-inadarei-api-health-check-06)."""
    at = time.monotonic()
    states = probes.states(at)
    return {
        "status": overall(states),
        "version": "1",
        "releaseId": version("tria"),
        "serviceId": "tria",
        "description": "Customer service that speaks the LangGraph Server protocol",
        "checks": dict(_checks(probes, states, at)),
    }


def _checks(
    probes: Probes, states: Mapping[str, str], at: float
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for name, state in states.items():
        part, outage = probes.parts[name], _outage(name, state)
        check = {
            "componentId": name,
            "componentType": COMPONENTS.get(name, "component"),
            "status": meaning(name, state).itself,
            "time": _ago(at - part.checked),
        }
        output = {"output": outage["stops"]} if outage else {}
        yield f"{name}:state", [check | {"observedValue": state} | output]
        timed = {"observedValue": part.ms, "observedUnit": "ms"}
        yield f"{name}:responseTime", [check | timed]
    for name, breaker in probes.breakers.items():
        is_well = breaker.state == "closed"
        check = {"componentId": name, "componentType": "component", "observedValue": breaker.state}
        check |= {"status": "pass" if is_well else "warn", "time": breaker.since}
        yield f"{name}:breaker", [check]


def _part(part: Part, state: str, at: float) -> dict[str, Any]:
    return {
        "status": meaning(part.name, state).itself,
        "state": state,
        "ms": part.ms,
        "age_s": round(at - part.checked, 1),
        "for_s": round(at - part.since),
        "since": _ago(at - part.since),
    }


def _outage(name: str, state: str) -> dict[str, str]:
    if meaning(name, state).itself == "pass":
        return {}
    stops, works = OUTAGES[name]
    return {"stops": stops, "still_works": works}


def _orders(probes: Probes) -> dict[str, Any] | None:
    """The last synthetic conversation; None before the first, and where none are held."""
    row = probes.watch.synthetic
    if row is None or row["ended_at"] is None:
        return None
    times = {name: _here(row[name]) for name in ("since", "ended_at", "worked_at")}
    return {"is_working": row["is_working"], **times, "steps": row["steps"]}


def _here(at: datetime | None) -> datetime | None:
    """In the company's time, as every other moment on the page."""
    return at and at.astimezone(now().tzinfo).replace(microsecond=0)


def _ago(seconds: float) -> datetime:
    return (now() - timedelta(seconds=seconds)).replace(microsecond=0)
