"""What takes long to import is imported when it is needed, and not before."""

import subprocess
import sys

SEEN = "import sys, api.app; print('openai' in sys.modules)"


def test_a_service_without_a_model_does_not_import_one() -> None:
    done = subprocess.run([sys.executable, "-c", SEEN], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
