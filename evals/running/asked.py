"""What is wrong with what somebody asked of the evals."""


class Asked(Exception):
    """It cannot be done as asked; says why, and what to ask instead."""
