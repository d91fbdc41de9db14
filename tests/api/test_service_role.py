"""The whole service on a role that owns nothing."""

from urllib.parse import urlsplit
from uuid import uuid4

from langgraph_sdk import get_client

from tests.api.conftest import Serve, staff_client
from tests.api.test_conversations import ORDER_FORM, a_thread, say
from tests.conftest import customer, headers_of
from tools.service_role import let_in


async def test_an_order_is_written_and_a_customer_erased_by_a_service_that_owns_nothing(
    own_database: str, serve: Serve
) -> None:
    at = urlsplit(own_database)
    name = f"app_{uuid4().hex[:8]}"
    service = f"postgresql://{name}:secret@{at.hostname}:{at.port}{at.path}"
    await let_in(own_database, service)
    url = serve(DATABASE_URL=service)
    async with get_client(url=url, api_key=None, headers=headers_of(customer())) as sdk:
        thread = await a_thread(sdk)
        await say(sdk, thread, ORDER_FORM)
        values = await say(sdk, thread, "yes")
        assert values["card"]["status"] == "committed"
    whom = customer().customer_id
    with staff_client(url) as admin:
        saved = admin.post("/admin/privacy/export", json={"customer_id": whom})
        assert saved.content.startswith(b"PK")
        body = {"customer_id": whom, "confirm": whom}
        assert admin.post("/admin/privacy/erase", json=body).json()["goes"]
        assert admin.get("/admin/audit/verify").json()["faults"] == []
        assert admin.get("/health/ready").status_code == 200
