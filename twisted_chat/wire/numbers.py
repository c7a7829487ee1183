"""Numbers in texts from outside: digits of ASCII alone, and few enough for 63 bits.

`str.isdigit` is true for the digits of all scripts and for "²", of which `int` makes other numbers or none; and
`int` refuses more than 4,300 digits.
"""

MAX_DIGITS = 18


def is_number(text: str) -> bool:
    """Return True for a whole number that `int` reads, without a sign, from 0 to 10**18 - 1."""
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
