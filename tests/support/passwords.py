"""Passwords of the accounts that tests make: a real server admits no short ones, and none that is only the name."""

from __future__ import annotations


def password_of(name: str) -> str:
    """Return the password of an account of the tests."""
    return f"the words of {name}"
