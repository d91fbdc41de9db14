"""Xero and the model: whether they let us in, and how much of today's share is left."""

from collections.abc import Awaitable, Callable

import httpx

from api.doctor.findings import Checks, Finding, NotRun, verdict
from api.doctor.installation import Installation
from api.terminal import now
from tools.model.budget import DailyBudget

LEAST_SHARE = 0.1  # of a day's calls, or of its money
STEPS = {
    "token": "whether the sign-in works and is renewed",
    "tenant": "whether it opens the organisation we work in",
    "scopes": "whether everything was consented to that is needed",
    "organisation": "whether its currency is ours",
    "sales tax": "whether today's rate of GST is there",
    "sales account": "whether there is an account to book sales to",
    "items": "whether every product has a price",
}

OUTSIDE: Checks[Installation] = Checks()
add = OUTSIDE.add


def _step(name: str) -> Callable[[Installation], Awaitable[Finding]]:
    async def ask(here: Installation) -> Finding:
        found = await here.xero_check(name)
        return verdict(found.detail, found.to_do, ok=found.ok)

    return ask


for _name, _looks_at in STEPS.items():
    add(f"xero.{_name.replace(' ', '-')}", _looks_at, "Run: tria xero check", seconds=60)(
        _step(_name)
    )


@add(
    "xero.limits",
    f"whether calls are left of today's: at least {LEAST_SHARE:.0%}",
    "Find out what calls so often: the dashboard of Xero shows calls by path.",
)
async def limits(here: Installation) -> Finding:
    """As the last answer of the checks above said it."""
    await here.xero_check("organisation")
    seen = (await here.parts.xero.status.read()).limits
    if seen.day_left is None:
        raise NotRun("no call was made yet today")
    most = here.settings.xero_day_limit
    return verdict(f"{seen.day_left} of {most}", ok=seen.day_left >= LEAST_SHARE * most)


@add(
    "xero.webhooks",
    "whether payments are told to us, and all that was told is worked on",
    "Set XERO_WEBHOOK_KEY to the key that Xero shows; parked events stand on the console.",
)
async def webhooks(here: Installation) -> Finding:
    """The key, and what is parked."""
    if here.settings.xero_webhook_key is None:
        return Finding("fail", "there is no key: payments are not heard of")
    await here.need("Postgres", here.postgres_answers)
    seen = await here.parts.xero.events.seen()
    return verdict(f"{seen.waiting} wait, {len(seen.parked)} are parked", ok=not seen.parked)


@add(
    "model.reachable",
    "whether it takes our key and knows our model",
    "Correct OPENAI_API_KEY, OPENAI_BASE_URL or OPENAI_MODEL.",
)
async def model(here: Installation) -> Finding:
    """The list of models, which costs nothing. No model is well too: templates answer."""
    settings = here.settings
    if settings.openai_api_key is None:
        return verdict("none is configured: replies come from templates", ok=True)
    base = (settings.openai_base_url or "https://api.openai.com/v1").rstrip("/")
    key = {"Authorization": f"Bearer {settings.openai_api_key.get_secret_value()}"}
    async with httpx.AsyncClient(timeout=10) as http:
        answer = await http.get(f"{base}/models/{settings.openai_model}", headers=key)
    return verdict(f"{settings.openai_model}: {answer.status_code}", ok=answer.is_success)


@add(
    "model.budget",
    f"whether money is left of today's: at least {LEAST_SHARE:.0%}",
    "Raise OPENAI_DAILY_USD, or see on the dashboard of the model what is so dear.",
)
async def budget(here: Installation) -> Finding:
    """Of all processes together."""
    settings = here.settings
    if settings.openai_api_key is None:
        return verdict("no model, no cost", ok=True)
    await here.need("Redis", here.redis_answers)
    left = await DailyBudget(settings.openai_daily_usd, now, here.parts.redis).left()
    if left is None:
        raise NotRun("Redis does not answer")
    most = settings.openai_daily_usd
    return verdict(f"{left:.2f} of {most:.2f} USD", ok=float(left) > LEAST_SHARE * float(most))
