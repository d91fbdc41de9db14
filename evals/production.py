"""Fetches a conversation from a service's database as the draft of a case."""

from getpass import getuser
from pathlib import Path
from uuid import UUID

from evals.outcome import Json
from graph.builder import build_graph
from graph.capture import capture
from graph.checkpoints import make_saver
from graph.settings import environment
from tools.conversation_records import ConversationRecords
from tools.database import make_pool
from tools.embedded.noted import read_noted
from tools.errors import SettingsInvalid
from tools.sandbox.company import demo_customers


async def fetch_draft(conversation: UUID) -> Json:
    """The draft, which the audit trail notes.

    Raises NothingToCapture, or SettingsInvalid where no database is configured.
    """
    known = environment()
    known = read_noted(Path(known.get("TRIA_DATA", ".tria"))) | known
    if not known.get("DATABASE_URL"):
        raise SettingsInvalid("Set DATABASE_URL to the database of the conversation.")
    async with make_pool(known["DATABASE_URL"], max_size=2) as pool:
        saver = make_saver(pool)
        try:
            draft = await capture(pool, build_graph(saver), conversation, demo_customers())
            await ConversationRecords(pool).note_capture(conversation, f"cli:{getuser()}")
            return draft
        finally:
            await saver.aclose()
