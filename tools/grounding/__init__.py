from tools.grounding.claim import Claim
from tools.grounding.claims import FROM_CUSTOMERS, KINDS, claims
from tools.grounding.evidence import Evidence, gather
from tools.grounding.gate import unsupported
from tools.grounding.sentences import SentenceGate
