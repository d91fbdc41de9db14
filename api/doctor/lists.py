"""Every check, from inside and from outside, in the order in which things are put right."""

from api.doctor.findings import Check
from api.doctor.installation import Installation
from api.doctor.of_edge import EDGE
from api.doctor.of_function import FUNCTION
from api.doctor.of_infrastructure import INFRASTRUCTURE
from api.doctor.of_machine import MACHINE
from api.doctor.of_monitoring import MONITORING
from api.doctor.of_outside import OUTSIDE
from api.doctor.of_performance import PERFORMANCE
from api.doctor.of_security import SECURITY
from api.doctor.of_settings import SETTINGS
from api.doctor.of_stores import STORES
from api.doctor.of_traces import TRACES
from api.doctor.outside import Outside

INSTALLATION: tuple[Check[Installation], ...] = (
    *SETTINGS.all,
    *STORES.all,
    *OUTSIDE.all,
    *MACHINE.all,
    *MONITORING.all,
)
STAGING: tuple[Check[Outside], ...] = (
    *INFRASTRUCTURE.all,
    *FUNCTION.all,
    *PERFORMANCE.all,
    *MONITORING.all,
    *TRACES.all,
    *EDGE.all,
    *SECURITY.all,
)
