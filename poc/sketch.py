"""Scene and measurements to figures: the 3D sketch, the plan, what was fitted on the photo, depth, intervals.

Every figure is a plotly figure that needs nothing but plotly.js. A photo without a room gives a figure that shows the
photo and says why, never an empty one.
"""

from poc.figures.charts import comparison_figure, depth_figure, interval_chart
from poc.figures.evidence import budget_chart, surface_figure
from poc.figures.overlay import overlay
from poc.figures.plan import plan
from poc.figures.sketch3d import sketch_3d

__all__ = ["budget_chart", "comparison_figure", "depth_figure", "interval_chart", "overlay", "plan", "sketch_3d", "surface_figure"]
