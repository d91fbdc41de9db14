"""Every dashboard."""

from monitoring.grafana.of_conversations import CONVERSATIONS
from monitoring.grafana.of_money import MODEL, XERO
from monitoring.grafana.of_parts import DEPENDENCIES, EVALS
from monitoring.grafana.of_service import SERVICE

DASHBOARDS = (SERVICE, CONVERSATIONS, MODEL, XERO, DEPENDENCIES, EVALS)
