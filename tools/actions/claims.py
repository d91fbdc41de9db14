"""What a customer's cards claim of an invoice that may not be in the books as a credit yet."""

from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from tools.database import Pool, fetch_all

_OF_INVOICE = (
    "select action_id, document_number, card from actions where customer_id = %(customer_id)s"
    " and kind = 'credit' and card ->> 'invoice' = %(invoice)s and "
)
_AGREED = "status in ('confirmed', 'approved', 'committed')"
_SHOWN = "status = 'proposed' and thread_id <> %(thread_id)s and expires_at > %(now)s"


class Claims:
    """Credit cards about one invoice, in whatever conversation of its customer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def agreed(self, customer_id: str, invoice: str) -> list[DictRow]:
        """Those that the customer has said yes to, also what was written since."""
        values = {"customer_id": customer_id, "invoice": invoice}
        return await fetch_all(self._pool, _OF_INVOICE + _AGREED, values)

    async def made(
        self, customer_id: str, invoice: str, thread_id: UUID, now: datetime
    ) -> list[DictRow]:
        """Those, and what waits for a yes in other conversations than this one."""
        values = {"customer_id": customer_id, "invoice": invoice}
        there = values | {"thread_id": thread_id, "now": now}
        return await fetch_all(self._pool, f"{_OF_INVOICE}({_AGREED} or {_SHOWN})", there)
