"""The engine behind the recipes: run, key, store. A recipe needs these two names."""

from recordings.engine.recipe import recipe
from recordings.engine.run import Run

__all__ = ["Run", "recipe"]
