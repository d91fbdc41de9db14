"""What the image leaves out is not needed in it: neither packages nor folders."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.programs import ROOT, broken

# Everything that a container is told to run.
STARTED = ("api.__main__", "api.cli", "api.smoke", "graph.migrate", "tools.sandbox.__main__")
WITHOUT = """
import importlib, json, sys
left_out = set(json.load(sys.stdin))

class LeftOut:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in left_out:
            raise ModuleNotFoundError(f"{name} is not in the image")

sys.meta_path.insert(0, LeftOut())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def locked() -> dict[str, dict[str, Any]]:
    found = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return {package["name"]: package for package in found}


def with_all_it_needs(names: set[str], packages: dict[str, dict[str, Any]]) -> set[str]:
    """These and whatever they ask for, as the lock has it."""
    found: set[str] = set()
    while names:
        found |= names
        asked = [d for name in names for d in packages.get(name, {}).get("dependencies", ())]
        names = {d["name"] for d in asked} - found
    return found


def installed() -> set[str]:
    """The packages that the image has: what the project asks for, without any group."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {str(canonicalize_name(Requirement(each).name)) for each in project["dependencies"]}
    return with_all_it_needs(asked, locked())


def folders(dockerfile: Path) -> set[str]:
    return set(re.findall(r"^COPY (\w+) \./\1$", dockerfile.read_text(), re.MULTILINE))


def left_out(dockerfile: Path) -> set[str]:
    """Modules that are here and not there."""
    there = installed()
    modules = {
        module
        for module, names in packages_distributions().items()
        if not {canonicalize_name(name) for name in names} & there
    }
    ours = {init.parent.name for init in ROOT.glob("*/__init__.py")}
    return (modules - ours) | (ours - folders(dockerfile))


def starts(dockerfile: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *STARTED],
        input=json.dumps(sorted(left_out(dockerfile))),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_service_starts_with_what_the_image_has() -> None:
    assert {"onnx", "pytest", "evals"} <= left_out(ROOT / "Dockerfile")
    ended = starts(ROOT / "Dockerfile")
    assert ended.returncode == 0, ended.stderr


def test_an_image_that_lacks_a_folder_is_noticed(tmp_path: Path) -> None:
    ended = starts(broken(ROOT / "Dockerfile", tmp_path, "COPY nodes ./nodes\n", ""))
    assert "nodes is not in the image" in ended.stderr


def test_the_image_knows_its_version_and_tria() -> None:
    """Both come with the project itself, which only the last of these may install."""
    steps = re.findall(r"uv sync ([^&\n]+)", (ROOT / "Dockerfile").read_text())
    assert "--no-install-project" not in steps[-1]
    assert "--no-dev" in steps[-1]
    assert "PYTHONPATH=/app" in (ROOT / "Dockerfile").read_text()
