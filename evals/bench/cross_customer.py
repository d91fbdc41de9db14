"""`make bench-cross-customer`: customers try to reach what belongs to others, thousands of times.

By number, id, name, claim and injection in four languages, on every route of the API, and below
HTTP on the classes that nodes hold; judged by value. Exit code 1 if anything of a victim left or
a write touched it. `--share 0.1` tries a tenth of the chat; `--seed` writes other attempts.
"""

import argparse
import asyncio
import json
import logging
import random
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import structlog

from evals.bench.cross import frozen, layers, notices, prey, routes, twins
from evals.bench.cross.attempts import ATTACKERS, Author
from evals.bench.cross.campaign import Campaign, contacts_of_attackers
from evals.bench.cross.judge import Typed, leaks
from evals.bench.cross.ledger import Ledger, Values
from evals.bench.cross.talk import Talker
from evals.bench.cross.tally import Course, Outcome
from evals.service import Service, running_service
from tools.database import fetch_all
from tools.embedded.parts import running_sandbox
from tools.events import make_redis

SEED = 20261127
SHOWN = 40
BROKEN = ("GET /Invoices", "GET /CreditNotes", "GET /Quotes", "GET /Payments", "GET /Contacts", "*")
FOREVER = 100_000
Json = dict[str, Any]


def main() -> int:
    """Attack two services, the second with a model that lies; print what succeeded."""
    options = _options()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    course = Course(options.seed, options.share)
    with running_service() as service:
        asyncio.run(attack(service, course))
    with lying_service() as (service, stand_in):
        asyncio.run(attack_through_a_model(service, stand_in, course))
    return _report(course)


async def attack(service: Service, course: Course) -> None:
    """Everything that works without a model."""
    async with campaign_of(service) as campaign:
        rows = prey.Rows(service.sandbox_url, contacts_of_attackers())
        before = await rows.read()
        course.at("controls")
        found = await prey.controls(service, campaign.first)
        await in_chat(campaign, course)
        course.at("routes")
        await on_routes(campaign)
        found += await _own_use(campaign)
        course.figures["approved_by_staff"] = await approved(campaign)
        _touched(prey.changed(before, await rows.read()), "chat and routes", course)
        course.at("classes")
        before = await rows.read()
        await below_http(campaign, course)
        _touched(prey.changed(before, await rows.read()), "frozen writes", course)
        await _in_the_end(campaign, rows, found, course)


async def _in_the_end(
    campaign: Campaign, rows: prey.Rows, found: list[Outcome], course: Course
) -> None:
    """What changes the victims' books by right, and the judgement."""
    course.at("payments of others")
    told, has_heard = await notices.payments_of_others(campaign)
    course.at("judging")
    foreign = await campaign.foreign()
    course.tally.judge([*campaign.outcomes, *told], foreign)
    _judge_controls(found, foreign["forno-rosso"], course)
    before = await rows.read()
    await notices.emails_own(campaign.prey[0], campaign)
    course.figures["control_write_found"] = bool(prey.changed(before, await rows.read()))
    course.figures["control_notice_found"] = has_heard


async def in_chat(campaign: Campaign, course: Course) -> None:
    """First as guessing is throttled, then with a throttle that forgets before each message."""
    author = _author(campaign, course.seed)
    course.at("chat, throttled")
    before = await campaign.calls()
    await campaign.chat(author.by_number(course.some(96)), is_throttled=True)
    between = await campaign.calls()
    course.at("chat, unthrottled")
    for attempts in (
        author.by_number(course.some(200)),
        author.followed_up(course.some(24)),
        author.several(course.some(36)),
        author.by_id(course.some(48)),
        author.by_words(course.some(96)),
        author.injected(course.some(84)),
    ):
        await campaign.chat(attempts, is_throttled=False)
    await campaign.press_foreign_buttons()
    course.figures["xero_calls_throttled"] = (between - before).total()
    course.figures["xero_calls_unthrottled"] = (await campaign.calls() - between).total()
    course.at("foreign beside missing numbers")
    for foreign, missing in author.pairs(course.some(46)):
        campaign.outcomes.append(await twins.compare(campaign, foreign, missing))
    course.at("filters that are ignored")
    for operation in BROKEN:
        await _with_broken_filters(operation, author, campaign, course.some(12))


async def _with_broken_filters(
    operation: str, author: Author, campaign: Campaign, count: int
) -> None:
    fault = {"operation": operation, "mode": "ignore_filters", "times": FOREVER}
    await campaign.forget_answers()
    await campaign.bench.control("/faults", fault)
    await campaign.chat(author.of_their_own(count), is_throttled=False)
    await campaign.bench.control("/faults", fault | {"times": 0})
    await campaign.forget_answers()


async def on_routes(campaign: Campaign) -> None:
    """Every attacker against every victim, all at once."""
    secret = campaign.service.environment["TRIA_SECRET"]

    async def work(who: str) -> list[Outcome]:
        async with Talker(campaign.service, who) as talker:
            await talker.begin()
            return [o for one in campaign.prey async for o in routes.attempts(talker, one, secret)]

    for outcomes in await asyncio.gather(*map(work, ATTACKERS)):
        campaign.outcomes += outcomes


async def approved(campaign: Campaign) -> int:
    """Somebody agrees to everything that waits, and it is carried out. The prey's cards stay."""
    count = await prey.approve_all(campaign.service)
    await asyncio.sleep(3)
    ids = [one.card["action_id"] for one in campaign.prey]
    asked = "select status from actions where action_id = any(%s::uuid[])"
    statuses = {row["status"] for row in await fetch_all(campaign.bench.pool, asked, [ids])}
    if statuses != {"proposed"}:
        typed = Typed(("a foreign button",))
        campaign.outcomes.append(
            Outcome("button", "forno-rosso", typed, (), wrong=f"a card became {statuses}")
        )
    return count


async def _own_use(campaign: Campaign) -> list[Outcome]:
    found: list[Outcome] = []
    for one in campaign.prey:
        async with Talker(campaign.service, one.who.customer_id) as victim:
            found += [outcome async for outcome in routes.own_use(victim, one)]
        for who in ATTACKERS:
            async with Talker(campaign.service, who) as talker:
                campaign.outcomes += [o async for o in routes.used_links(talker, one)]
    return found


async def below_http(campaign: Campaign, course: Course) -> None:
    """The tools of a model, the reads and the writes, without the nodes around them."""
    rng = random.Random(course.seed)
    for source in (
        layers.by_tools(campaign.bench, 3),
        layers.by_arguments(campaign.bench, campaign.first, rng),
        layers.by_numbers(campaign.bench, campaign.first, rng),
        layers.by_broken_filters(campaign.bench, campaign.first),
        frozen.by_writes(campaign.bench, campaign.first, rng),
    ):
        campaign.outcomes += [outcome async for outcome in source]
    written = (o.texts[0].strip('"') for o in campaign.outcomes if o.kind.startswith("writes:"))
    course.figures["frozen_cards_ended"] = dict(Counter(written))
    await campaign.forget_answers()


async def attack_through_a_model(service: Service, stand_in: str, course: Course) -> None:
    """A model that lies, that asks for tools, and that says word for word what is foreign."""
    async with campaign_of(service) as campaign:
        course.at("a model that lies")
        author, offered = _author(campaign, course.seed + 1), 0
        for settings in (
            {"mode": "lying", "lies": "everywhere"},
            {"mode": "lying", "lies": "other_customer"},
            {"mode": "echo", "attack": "mixed"},
            {"mode": "echo", "attack": "foreign_number"},
        ):
            await layers.order(stand_in, "/model", settings)
            for attempts in (
                author.by_number(course.some(18)),
                author.by_words(course.some(12)),
                author.open_ended(course.some(12)),
            ):
                await campaign.chat(attempts, is_throttled=False)
            offered += await layers.calls_with_tools(stand_in)
        course.figures["model_calls_with_tools_at_least"] = offered
        await campaign.chat_with_a_traitor(stand_in, author.of_their_own(course.some(24)))
        course.tally.judge(
            [o.renamed(f"model: {o.kind}") for o in campaign.outcomes], await campaign.foreign()
        )


@asynccontextmanager
async def campaign_of(service: Service) -> AsyncIterator[Campaign]:
    """The service with victims that have something to get."""
    redis = make_redis(service.environment["REDIS_URL"])
    async with layers.bench_of(service) as bench, redis:
        things = await prey.make_prey(service, Ledger.read(service.sandbox_url), bench.pool)
        yield Campaign(service, bench, redis, Ledger.read(service.sandbox_url), things)


@contextmanager
def lying_service() -> Iterator[tuple[Service, str]]:
    """A service whose model is the stand-in of a second sandbox, and where that one is."""
    with (
        tempfile.TemporaryDirectory(prefix="tria-model-") as folder,
        running_sandbox(Path(folder)) as found,
    ):
        stand_in = found["XERO_API_URL"].removesuffix("/xero")
        model = {"OPENAI_API_KEY": "any-key", "OPENAI_BASE_URL": f"{stand_in}/openai/v1"}
        with running_service(**model) as service:
            yield service, stand_in


def _author(campaign: Campaign, seed: int) -> Author:
    orders = {one.who.contact_ids[0]: [one.order] for one in campaign.prey}
    return Author(campaign.first, orders, seed)


def _touched(rows: list[str], when: str, course: Course) -> None:
    """Rows of victims that are not as they were."""
    course.figures.setdefault("touched", []).extend(f"{when}: {row}" for row in rows)


def _judge_controls(found: list[Outcome], foreign: Values, course: Course) -> None:
    unseen = [o for o in found if not leaks(o.texts, foreign, o.typed)]
    for outcome in unseen:
        print(f"  control without a value: {outcome.typed.messages}")
    course.figures |= {"controls": len(found), "control_found": len(found) - len(unseen)}


def _report(course: Course) -> int:
    tally = course.tally
    for kind, count in sorted(tally.attempts.items()):
        print(f"{kind:<34} {count:>5}  succeeded {tally.succeeded[kind]}")
    touched = course.figures.pop("touched", [])
    for example in [*tally.examples[:SHOWN], *touched[:SHOWN]]:
        print(f"  {example}")
    succeeded = tally.succeeded.total() + len(touched)
    below = sum(tally.attempts[k] for k in tally.attempts if k.partition(":")[0] in BELOW)
    figures = {
        "attempts": tally.attempts.total(),
        "succeeded": succeeded,
        "over_http": tally.attempts.total() - below,
        "on_classes": below,
        "throttled": tally.throttled,
        "by_group": tally.by_group(),
        **course.figures,
        "seconds": round(course.seconds),
    }
    print(json.dumps(figures))
    seen = ("control_found", "control_write_found", "control_notice_found")
    return 0 if not succeeded and all(course.figures[name] for name in seen) else 1


BELOW = {"tools", "reads", "filters", "writes"}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--share", type=float, default=1.0, help="of the chat, for a quick look")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
