"""What was asked under an Idempotency-Key, and its answer: the same key, the same answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from tools.database import Pool, fetch_one

LEASE_SECONDS = 15
KEEP_HOURS = 24

# One statement, so that of two requests at once only one is the first.
CLAIM = """
insert into idempotency_keys as k (id, fingerprint, holder, owner, lease_until)
values (%(id)s, %(fingerprint)s, %(holder)s, %(owner)s, now() + %(lease)s * interval '1 second')
on conflict (id) do update set
  holder = case when {lapsed} then excluded.holder else k.holder end,
  lease_until = case when {lapsed} then excluded.lease_until else k.lease_until end
returning holder = %(holder)s as is_held, xmax <> 0 as is_repeat,
  fingerprint = %(fingerprint)s as is_same, status, headers, body
""".format(
    lapsed="k.status is null and k.lease_until < now() and k.fingerprint = excluded.fingerprint"
)


@dataclass(frozen=True)
class Answered:
    """An answer as it went out. `body` is None where it was not to be kept."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True)
class Claim:
    """A request under a key.

    `is_held`: this request is the one that does the work. `is_repeat`: the key was seen before,
    with the same request if `is_same`. `answered` is how that one ended.
    """

    identity: UUID
    holder: UUID
    is_held: bool
    is_repeat: bool
    is_same: bool
    answered: Answered | None


class IdempotencyKeys:
    """Claiming keys, keeping their answers for a day and forgetting them."""

    def __init__(self, pool: Pool, lease_seconds: float = LEASE_SECONDS) -> None:
        self._pool = pool
        self._lease = lease_seconds

    async def claim(self, identity: UUID, fingerprint: bytes, owner: str | None = None) -> Claim:
        """Begin a request under a key, or learn what became of the one that came before.

        `owner` is whose it is: what is kept goes with them.
        """
        holder = uuid4()
        asked: dict[str, Any] = {"id": identity, "fingerprint": fingerprint, "holder": holder}
        asked |= {"lease": self._lease, "owner": owner}
        row = await fetch_one(self._pool, CLAIM, asked)
        assert row is not None  # noqa: S101 (an insert that returns)
        answered = None
        if row["status"] is not None:
            body = None if row["body"] is None else bytes(row["body"])
            answered = Answered(row["status"], row["headers"], body)
        return Claim(identity, holder, row["is_held"], row["is_repeat"], row["is_same"], answered)

    async def keep(self, claim: Claim, answered: Answered, thread_id: UUID | None = None) -> None:
        """Keep the answer of the request that holds the key, for as long as there is its thread."""
        await fetch_one(
            self._pool,
            "update idempotency_keys set status = %s, headers = %s, body = %s,"
            " thread_id = (select thread_id from threads where thread_id = %s)"
            " where id = %s and holder = %s and status is null returning id",
            [
                *(answered.status, Jsonb(dict(answered.headers)), answered.body, thread_id),
                *(claim.identity, claim.holder),
            ],
        )

    async def release(self, claim: Claim) -> None:
        """It is not known what was done: the same request may go on at once, no other one."""
        await fetch_one(
            self._pool,
            "update idempotency_keys set lease_until = now() - interval '1 second'"
            " where id = %s and holder = %s and status is null returning id",
            [claim.identity, claim.holder],
        )

    async def forget(self, claim: Claim) -> None:
        """Nothing was done under the key: it is free again."""
        await fetch_one(
            self._pool,
            "delete from idempotency_keys where id = %s and holder = %s and status is null"
            " returning id",
            [claim.identity, claim.holder],
        )

    async def prune(self) -> None:
        """Forget keys of more than a day."""
        await fetch_one(
            self._pool,
            "with gone as (delete from idempotency_keys"
            " where created_at < now() - %s * interval '1 hour' returning id)"
            " select count(*) from gone",
            [KEEP_HOURS],
        )
