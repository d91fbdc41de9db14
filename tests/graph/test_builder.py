import inspect
from importlib import import_module

from inline_snapshot import snapshot

from graph.builder import RETRY, build_graph
from tools.errors import BackendUnavailable, OutcomeUnknown


def test_the_edges() -> None:
    graph = build_graph().builder
    fixed = [f"{start} -> {end}" for start, end in graph.edges]
    joined = [f"{' + '.join(sorted(starts))} -> {end}" for starts, end in graph.waiting_edges]
    routed = [
        f"{start} -> {route}()" for start, routes in graph.branches.items() for route in routes
    ]
    assert sorted([*fixed, *joined, *routed]) == snapshot(
        [
            "__start__ -> after_start()",
            "adapt_tone -> compose_reply",
            "await_approval -> after_await_approval()",
            "call_xero_tools -> after_call_xero_tools()",
            "classify_intent + retrieve_policies -> call_xero_tools",
            "commit_action -> after_commit_action()",
            "compose_reply -> validate_output",
            "confirm_action -> after_confirm_action()",
            "hand_off -> adapt_tone",
            "propose_action -> after_propose_action()",
            "propose_order -> after_action()",
            "report_outcome -> after_action()",
            "screen_message -> classify_intent",
            "screen_message -> retrieve_policies",
            "validate_output -> after_validate_output()",
        ]
    )


def test_every_node_is_the_function_its_file_is_named_after() -> None:
    names = set(build_graph().nodes) - {"__start__"}
    assert all(callable(getattr(import_module(f"nodes.{name}"), name)) for name in names)


def test_nothing_of_a_turn_is_sent_to_a_thread_by_the_graph() -> None:
    graph = build_graph().builder
    nodes = [node.runnable for node in graph.nodes.values()]
    routes = [route.path for routes in graph.branches.values() for route in routes.values()]
    assert [step for step in (*nodes, *routes) if getattr(step, "func", None)] == []


def test_every_node_that_waits_for_a_part_has_a_time_limit_and_retries() -> None:
    for name, node in build_graph().nodes.items():
        if name == "__start__":
            continue
        function = getattr(import_module(f"nodes.{name}"), name)
        waits = inspect.iscoroutinefunction(function)
        assert bool(node.timeout) == waits, name
        assert (RETRY in (node.retry_policy or ())) == waits, name


def test_a_lost_answer_to_a_write_is_never_retried_blindly() -> None:
    assert isinstance(RETRY.retry_on, tuple)
    assert issubclass(BackendUnavailable, RETRY.retry_on)
    assert not issubclass(OutcomeUnknown, RETRY.retry_on)
