"""Uncertain lengths and probabilities in words, for the reasons of recommendations and rejections."""

from __future__ import annotations

from poc.products.fit import Extent
from poc.types import floored, sure_percent


def in_words(length: Extent) -> str:
    """A length as printed: "2.41 m", or "2.41 m seen" where it continues out of sight."""
    return f"{length.value_m:.2f} m{' seen' if length.at_least else ''}"


def between(length: Extent) -> str:
    """The 90 % interval in words; for a lower bound only its lower end."""
    if length.at_least:
        return f"at least {floored(length.low_m)} m; it goes on out of sight"
    return f"90 %: {max(length.low_m, 0.0):.2f}–{max(length.high_m, 0.0):.2f}"


def height_in_words(height: Extent) -> str:
    """The room's height with its interval, and what was assumed where the ceiling is out of sight."""
    if height.otherwise is not None:
        return f"a ceiling out of sight (at least {floored(height.low_m)} m; {height.otherwise.basis})"
    return f"{height.value_m:.2f} m ({between(height)}{', ' + height.basis if 'assumed' in height.basis else ''})"


def probability_in_words(p: float) -> str:
    """A probability with two decimals, but never 1.00 or 0.00, which the model cannot claim."""
    return "> 0.99" if p > 0.99 else "< 0.01" if p < 0.01 else f"{sure_percent(p) / 100:.2f}"


def with_article(thing: str) -> str:
    """"a bed", "an armchair"."""
    return f"{'an' if thing[:1].lower() in 'aeiou' else 'a'} {thing}"


def counted(count: int, thing: str) -> str:
    """"1 piece", "2 pieces"."""
    return f"{count} {thing}{'' if count == 1 else 's'}"
