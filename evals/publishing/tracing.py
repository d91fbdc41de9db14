"""Where a lane's turns are traced: nowhere, unless there is a key for LangSmith."""

from collections.abc import Mapping

# Each of these names turns tracing on by itself.
SWITCHES = (
    "LANGSMITH_TRACING",
    "LANGSMITH_TRACING_V2",
    "LANGCHAIN_TRACING",
    "LANGCHAIN_TRACING_V2",
)
OFF = dict.fromkeys(SWITCHES, "false")
KEY = "LANGSMITH_API_KEY"
PLACE = (KEY, "LANGSMITH_ENDPOINT", "LANGSMITH_WORKSPACE_ID")


def tracing_for(known: Mapping[str, str], run_id: str) -> dict[str, str]:
    """Settings of a lane's service in one run of the evals."""
    if not known.get(KEY):
        return OFF
    place = {name: known[name] for name in PLACE if known.get(name)}
    on = {"LANGSMITH_TRACING": "true", "LANGSMITH_PROJECT": traces_project(run_id)}
    return OFF | {"LANGSMITH_TRACING_V2": "true"} | on | place


def traces_project(run_id: str) -> str:
    """The LangSmith project that holds the traces of one run's turns."""
    return f"tria-traces-{run_id}"
