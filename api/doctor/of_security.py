"""What must not be possible from outside, tried: other customers' data, forged tokens, insides."""

import asyncio
import re
import time
from uuid import uuid4

import jwt

from api.doctor.findings import Checks, Finding, NotRun, verdict
from api.doctor.of_function import BALANCE
from api.doctor.outside import Outside, message
from api.smoke import CLAIMS
from api.tokens import CUSTOMERS, ISSUER
from tools.embedded.parts import SANDBOX_CLIENT

# What stood in examples and demonstrations: whoever kept one of them signs for everybody.
KNOWN = ("changeme", "secret", "tria", "password", SANDBOX_CLIENT, "0" * 32, "x" * 32)
INSIDES = re.compile(r'Traceback|File "/|site-packages|psycopg|asyncpg|sqlalchemy|\bat 0x[0-9a-f]+')
NUMBER = re.compile(r"\b[A-Z]+-\d{3,}\b")
NOBODYS = "INV-999999"
ELSEWHERE = "https://elsewhere.tria.example"

SECURITY: Checks[Outside] = Checks()
add = SECURITY.add


@add(
    "security.signed-in",
    "whether nothing of customers is shown without a credential",
    "Take the address off the network at once.",
)
async def signed_in(there: Outside) -> Finding:
    """Reads, writes, the console's data."""
    paths = ("/threads/search", "/runs/wait", "/store/items/search", "/admin/approvals")
    said = {path: (await there.http.post(path, json={})).status_code for path in paths}
    wrong = [f"{path} {status}" for path, status in said.items() if status not in (401, 403, 405)]
    return verdict(", ".join(wrong) or f"{len(paths)} addresses are closed", ok=not wrong)


@add(
    "security.forged",
    "whether tokens that are unsigned or signed with a known secret are refused",
    "Set TRIA_SECRET to a new random value: every token becomes invalid, which is right.",
)
async def forged(there: Outside) -> Finding:
    """Claims as ours, signed with what stood in examples."""
    claims = _claims()
    tokens = [jwt.encode(claims, "", algorithm="none")]
    tokens += [jwt.encode(claims, key.ljust(32, "0"), algorithm="HS256") for key in KNOWN]
    taken = 0
    for token in tokens:
        bearer = {"Authorization": f"Bearer {token}"}
        answer = await there.http.post("/threads/search", json={}, headers=bearer)
        taken += answer.status_code != 401
    return verdict(f"{taken} of {len(tokens)} are taken", ok=not taken)


@add(
    "security.foreign-thread",
    "whether another customer's conversation is as if it were not there",
    "Take the service off the network and wake the director.",
)
async def foreign_thread(there: Outside) -> Finding:
    """Read, joined, written to and deleted by the other customer."""
    mine, other = there.customer(), there.customer(1)
    thread = await mine.thread()
    tries = [("GET", ""), ("GET", "/state"), ("POST", "/runs"), ("DELETE", "")]
    body = {"POST": message(BALANCE)}
    said = [
        (await other.ask(how, f"/threads/{thread}{path}", json=body.get(how))).status_code
        for how, path in tries
    ]
    return verdict(f"answers: {', '.join(map(str, said))}", ok=set(said) == {404})


@add(
    "security.foreign-document",
    "whether another customer's invoice is as if it were not there",
    "Take the service off the network and wake the director.",
    seconds=120,
)
async def foreign_document(there: Outside) -> Finding:
    """Asked for by its number: neither its amounts nor that it exists are told."""
    mine, other = there.customer(), there.customer(1)
    listed = (await mine.say("show me my invoices")).text
    number = next(iter(NUMBER.findall(listed)), None)
    if number is None:
        raise NotRun("the first customer has no open invoice to ask for")
    real = await other.say(f"how much is {number}?")
    made_up = await other.say(f"how much is {NOBODYS}?")
    amounts = set(re.findall(r"\d[\d,]*\.\d\d", listed)) & set(
        re.findall(r"\d[\d,]*\.\d\d", real.text)
    )
    is_same = NUMBER.sub("", real.text) == NUMBER.sub("", made_up.text)
    evidence = "as one that does not exist" if is_same else "answered otherwise than a missing one"
    return verdict(evidence, ok=is_same and not amounts)


@add(
    "security.staff",
    "whether customers are kept from what is for staff",
    "Take the address off the network at once.",
)
async def staff(there: Outside) -> Finding:
    """Some of the addresses under /admin, with a customer's credential."""
    customer = there.customer()
    paths = ("/admin/approvals", "/admin/xero", "/admin/inbox", "/admin/log-level")
    said = {path: (await customer.ask("GET", path)).status_code for path in paths}
    open_ones = [path for path, status in said.items() if status not in (401, 403, 404, 405)]
    return verdict(f"open: {', '.join(open_ones)}" if open_ones else "all closed", ok=not open_ones)


@add(
    "security.webhook",
    "whether a webhook that Xero did not sign is refused",
    "Set XERO_WEBHOOK_KEY; see the runbook's section on Xero.",
)
async def webhook(there: Outside) -> Finding:
    """With a signature that is none."""
    answer = await there.http.post(
        "/webhooks/xero", content=b'{"events": []}', headers={"x-xero-signature": "bm9uZQ=="}
    )
    return verdict(f"{answer.status_code}", ok=answer.status_code == 401)


@add(
    "security.malformed",
    "whether what is no JSON, or not what is asked for, is refused as a problem",
    "See the log for what it was taken for.",
)
async def malformed(there: Outside) -> Finding:
    """Four ways to be wrong."""
    customer, kind = there.customer(), {"Content-Type": "application/json"}
    bodies = (b"{", b"[1]", b'{"input": 1}', b'{"metadata": "\\u0000"}')
    answers = [await customer.ask("POST", "/runs/wait", content=b, headers=kind) for b in bodies]
    said = [answer.status_code for answer in answers]
    is_problem = all("problem+json" in a.headers.get("content-type", "") for a in answers)
    is_well = set(said) <= {400, 422} and is_problem
    return verdict(f"answers: {', '.join(map(str, said))}", ok=is_well)


@add(
    "security.insides",
    "whether errors keep to themselves where in the code they come from",
    "Report it with the request: no answer may hold a stack trace.",
)
async def insides(there: Outside) -> Finding:
    """Errors of many kinds, read for what only code knows."""
    asked = (
        there.http.get("/nowhere"),
        there.http.get(f"/threads/{uuid4()}"),
        there.http.get("/threads/%00"),
        there.http.get("/threads/not-an-id/runs/'"),
        there.http.request("TRACE", "/ok"),
        there.http.post("/runs/wait", content=b"\xff\xfe"),
        there.http.get("/documents/none"),
    )
    answers = await asyncio.gather(*asked)
    told = sum(INSIDES.search(answer.text) is not None for answer in answers)
    failed = sum(answer.status_code >= 500 for answer in answers)
    evidence = f"{told} of {len(answers)} tell, {failed} are 5xx"
    return verdict(evidence, ok=not told and not failed)


@add(
    "security.cors",
    "whether pages of other sites are kept from asking with a customer's credential",
    "Name only your own sites in TRIA_CORS_ORIGINS.",
)
async def cors(there: Outside) -> Finding:
    """A preflight and a request from a site that nobody named."""
    origin = {"Origin": ELSEWHERE, "Access-Control-Request-Method": "POST"}
    answers = [
        await there.http.options("/threads/search", headers=origin),
        await there.http.get("/info", headers=origin),
    ]
    let_in = [
        a for a in answers if a.headers.get("access-control-allow-origin") in ("*", ELSEWHERE)
    ]
    return verdict("another site may ask" if let_in else "nobody else may ask", ok=not let_in)


def _claims() -> dict[str, object]:
    """Good ones: only the signature is to be what is wrong."""
    now = int(time.time())
    return {**CLAIMS, "iss": ISSUER, "aud": CUSTOMERS, "iat": now, "exp": now + 600}
