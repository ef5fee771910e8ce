"""Where a product may stand and how sure that is: what `poc.catalog` and `poc.recommend` are made of."""
