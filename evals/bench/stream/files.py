"""How many connections this process may have."""

import resource


def allow_many_connections() -> None:
    """As many as the machine lets us."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
