"""`python -m evals`: play conversations, compare runs, keep the datasets in order."""

import sys

from evals.cli import main

if __name__ == "__main__":
    sys.exit(main())
