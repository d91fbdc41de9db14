"""Secrets that somebody could guess."""

from itertools import pairwise
from urllib.parse import parse_qsl, unquote, urlsplit

LEAST, LEAST_DIFFERENT = 32, 8
ANOTHER = "make another one with: openssl rand -hex 32"
# What stands in examples, and what everybody tries first.
EXAMPLES = ("changeme", "replaceme", "yoursecret", "supersecret", "insecure", "example")
PASSWORDS = {"", "admin", "default", "demo", "pass", "password", "postgres", "redis", "root"}
PASSWORDS |= {"secret", "tria", "123456", "12345678", "qwerty"}


def fault_of(secret: str) -> str | None:
    """What is wrong with something that signs or seals; nothing with 32 random characters."""
    if _is_from_an_example(secret):
        return f"it is out of an example: {ANOTHER}"
    if len(secret) < LEAST:
        return f"it has fewer than {LEAST} characters: {ANOTHER}"
    if len(set(secret)) < LEAST_DIFFERENT or secret in (secret + secret)[1:-1] or _counts(secret):
        return f"it follows a pattern: {ANOTHER}"
    return None


def has_default_password(url: str) -> bool:
    """Whether a server is protected by a password that everybody tries first."""
    address = urlsplit(url)
    named = dict(parse_qsl(address.query)).get("password")
    if address.password is None and named is None:
        return False
    password = unquote(address.password or "") or named or ""
    user = unquote(address.username or "").lower()
    return password.lower() in PASSWORDS | {user} or _is_from_an_example(password)


def _is_from_an_example(secret: str) -> bool:
    letters = "".join(sign for sign in secret.lower() if sign.isalnum())
    return any(word in letters for word in EXAMPLES)


def _counts(secret: str) -> bool:
    """Whether most signs are the one before, or the next one."""
    steps = [abs(ord(b) - ord(a)) <= 1 for a, b in pairwise(secret)]
    return sum(steps) > len(steps) / 2
