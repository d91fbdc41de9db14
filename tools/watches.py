"""Who asked for a payment that was not in the books yet, and hears of it once it is."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tools.database import Pool, fetch_all, fetch_one
from tools.intake import queue_notice
from tools.xero.documents import Invoice, Payment

WATCH_DAYS = 30
# Books are kept after the fact: a payment's day may lie before the day on which it was asked for.
EARLIEST = timedelta(days=30)
SKEW = timedelta(minutes=2)  # by which Xero's clock may be behind ours

# A payment that was reported is waited for like one that was asked for.
_WATCHES = (
    "select thread_id, customer_id, scope, invoice_number, since from payment_watches"
    " union all select thread_id, customer_id, scope, card->>'invoice', created_at from actions"
    " where kind = 'payment_report' and status = 'committed' and thread_id is not null"
)


class Watches:
    """The payment_watches table. A watch ends by itself after thirty days."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def watch(
        self, thread_id: UUID, scope: Mapping[str, Any], invoice_number: str | None = None
    ) -> None:
        """Tell this conversation of a payment of the invoice, or of any. Safe to repeat.

        A conversation that is gone waits for nothing.
        """
        watch_id = uuid5(NAMESPACE_OID, f"payment watch:{thread_id}:{invoice_number}")
        await fetch_one(
            self._pool,
            "insert into payment_watches (watch_id, customer_id, thread_id, scope, invoice_number)"
            " select %s, customer_id, thread_id, %s, %s from threads"
            " where thread_id = %s and customer_id = %s on conflict (watch_id) do update set"
            " scope = excluded.scope, since = case when payment_watches.since < now() - %s"
            " then now() else payment_watches.since end returning watch_id",
            [
                *(watch_id, Jsonb(dict(scope)), invoice_number),
                *(thread_id, scope["customer_id"], timedelta(days=WATCH_DAYS)),
            ],
        )

    async def of_invoice(self, contact_id: UUID, number: str) -> list[DictRow]:
        """Who waits for a payment of this contact's invoice, the latest first."""
        return await fetch_all(
            self._pool,
            f"select * from ({_WATCHES}) w where since > now() - %s"
            " and scope->'contact_ids' @> to_jsonb(%s::text)"
            " and (invoice_number is null or upper(invoice_number) = upper(%s))"
            " order by since desc",
            [timedelta(days=WATCH_DAYS), str(contact_id), number],
        )

    async def tell(self, watch: Mapping[str, Any], payment: Payment, invoice: Invoice) -> bool:
        """Queue the turn that tells of the payment; False when this customer was told before."""
        customer_id = watch["customer_id"]
        async with self._pool.connection() as connection, connection.transaction():
            told = await connection.execute(
                "insert into payments_told (payment_id, customer_id) values (%s, %s)"
                " on conflict do nothing",
                [payment.payment_id, customer_id],
            )
            if not told.rowcount:
                return False
            run_id = uuid5(NAMESPACE_OID, f"payment:{payment.payment_id}:{customer_id}")
            await queue_notice(connection, run_id, watch, _notice(payment, invoice))
        return True


def is_awaited(payment: Payment, watch: Mapping[str, Any]) -> bool:
    """Whether the payment was entered after it was asked for, and is no old one that changed."""
    since = watch["since"]
    entered, day = payment.updated_date_utc, payment.date
    if day is None or day < (since - EARLIEST).date():
        return False
    return bool(entered > since - SKEW if entered else day >= since.date())


def _notice(payment: Payment, invoice: Invoice) -> dict[str, Any]:
    return {
        "kind": "payment",
        "payment": {
            "amount": f"{payment.amount:.2f}",
            "invoice": invoice.invoice_number or "",
            "date": payment.date.isoformat() if payment.date else "",
            "amount_due": f"{invoice.amount_due:.2f}",
            "currency": invoice.currency_code,
        },
    }
