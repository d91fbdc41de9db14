"""What is selected of the actions table, and of which state."""

# A card that still waits for its customer, or for its write without needing a person.
OPEN = "(status in ('proposed', 'approved') or status = 'confirmed' and approval_level is null)"
WAITING = "status = 'confirmed' and approval_level is not null"
UNFINISHED = ("proposed", "confirmed", "approved")
COLUMNS = (
    "action_id, thread_id, customer_id, kind, status, card, hash, document_number, expires_at,"
    " scope, run_id, approval_level, confirmed_at, decided_by, decided_at, document_id, error,"
    " created_at, updated_at, agreed_by, agreed_level, replaces, escalated_at"
)
# Orders that stand, each with the card of its last change.
_OF_ORDER = (
    "from actions c where c.customer_id = a.customer_id and c.status = 'committed'"
    " and c.card ->> 'invoice' = a.document_number and c.kind ="
)
IN_FORCE = (
    "status = 'committed' and kind in ('order', 'quote_accept')"
    f" and not exists (select 1 {_OF_ORDER} 'order_cancel')"
)
CANCELLED = (
    "status = 'committed' and kind in ('order', 'quote_accept')"
    f" and exists (select 1 {_OF_ORDER} 'order_cancel')"
)
AS_AGREED = COLUMNS.replace(
    " card,",
    f" coalesce((select c.card {_OF_ORDER} 'order_change' order by c.confirmed_at desc limit 1),"
    " card) as card,",
)
