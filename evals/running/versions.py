"""What a run played: hashes of contents, so that the same hashes mean the same behaviour."""

import hashlib
from collections.abc import Sequence

from evals.cases.schema import Case
from evals.lanes.tree import MARK, Tree
from evals.outcome import Versions


def versions_of(tree: Tree, model: str, cases: Sequence[Case]) -> Versions:
    """The versions of everything that a run depends on."""
    return Versions(
        code=tree.code,
        prompts=tree.prompts(),
        policies=tree.policies(),
        rules=tree.rules(),
        model=model,
        datasets=_of_cases(cases),
    )


def _of_cases(cases: Sequence[Case]) -> str:
    found = hashlib.sha256()
    for case in sorted(cases, key=lambda c: c.id):
        found.update(case.model_dump_json().encode())
    return found.hexdigest()[:MARK]
