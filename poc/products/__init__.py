"""The parts of `poc.catalog` and `poc.recommend`: reading and storing products, places for them, and how likely they fit."""
