"""The code, prompts and policies that a lane serves: what is here, a commit, or either changed."""

import contextlib
import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("api", "graph", "monitoring", "nodes", "policies", "tools")
# Cases are played and judged by what is here, so that it counts as well.
SERVED = (*PACKAGES, "evals")
PROMPTS = "nodes/prompts"
POLICIES = "policies"
RULES = "policies/rules.toml"
MARK = 12  # hexadecimal digits of a version


class NoSuchVersion(Exception):
    """What was asked to be played is not there."""


@dataclass(frozen=True)
class Wanted:
    """A commit, or None for what is here, and files (by their place) that are replaced in it."""

    commit: str | None = None
    replaced: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Tree:
    """A folder with the service's packages."""

    root: Path
    code: str = ""

    def prompts(self) -> dict[str, str]:
        """The version of each prompt, by its name."""
        files = sorted((self.root / PROMPTS).glob("*.md"))
        return {file.stem: digest([file]) for file in files}

    def policies(self) -> str:
        """The version of all policy texts and of how customers ask for them."""
        files = sorted(f for f in (self.root / POLICIES).rglob("*") if f.suffix in (".md", ".toml"))
        return digest(files)

    def rules(self) -> str:
        """The version of the business's numbers."""
        return digest([self.root / RULES])


def digest(files: list[Path]) -> str:
    """One version for the contents of some files: equal contents, equal versions."""
    found = hashlib.sha256()
    for file in files:
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:MARK]


@contextlib.contextmanager
def served_tree(wanted: Wanted) -> Iterator[Tree]:
    """The tree that was asked for; one made for it is removed afterwards.

    Raises NoSuchVersion for an unknown commit, or for a file that would replace nothing.
    """
    if wanted.commit is None and not wanted.replaced:
        yield Tree(ROOT, _code(wanted, ROOT))
        return
    with tempfile.TemporaryDirectory(prefix="tria-tree-") as name:
        root = Path(name)
        if wanted.commit is None:
            _copy(PACKAGES, root)
        else:
            _extract(wanted.commit, root)
        _copy(("evals",), root)  # cases are played by what is here
        for place, file in wanted.replaced.items():
            _replace(root / place, file)
        yield Tree(root, _code(wanted, root))


def _code(wanted: Wanted, root: Path) -> str:
    """The commit, and where files differ from it (+) or were replaced (~) a digest of them all."""
    commit = _git("rev-parse", "--short=12", wanted.commit or "HEAD") or "none"
    is_dirty = wanted.commit is None and _git("status", "--porcelain", "--", *SERVED) != ""
    if not is_dirty and not wanted.replaced:
        return commit
    files = [f for name in SERVED for f in sorted((root / name).rglob("*")) if _counts(f)]
    return f"{commit}{'~' if wanted.replaced else '+'}{digest(files)}"


def _counts(file: Path) -> bool:
    return file.is_file() and "__pycache__" not in file.parts


def _copy(packages: tuple[str, ...], root: Path) -> None:
    for package in packages:
        shutil.copytree(
            ROOT / package,
            root / package,
            ignore=shutil.ignore_patterns("__pycache__"),
            dirs_exist_ok=True,
        )


def _extract(commit: str, root: Path) -> None:
    made = subprocess.run(  # noqa: S603 (no shell reads it)
        ["git", "archive", commit, *PACKAGES],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if made.returncode:
        raise NoSuchVersion(f"There is no commit {commit}: {made.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as archive:
        archive.extractall(root, filter="data")


def _replace(place: Path, file: Path) -> None:
    if not file.is_file():
        raise NoSuchVersion(f"There is no file {file}.")
    if not place.is_file():
        there = (
            ", ".join(sorted(f.name for f in place.parent.glob(f"*{place.suffix}"))) or "nothing"
        )
        raise NoSuchVersion(
            f"{place.name} would replace nothing; in that folder there is: {there}."
        )
    shutil.copyfile(file, place)


def _git(*arguments: str) -> str | None:
    found = subprocess.run(  # noqa: S603 (our own words)
        ["git", *arguments],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return None if found.returncode else found.stdout.strip()
