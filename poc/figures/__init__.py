"""What people look at: plans, 3D sketches, overlays, charts, and the look they share. `poc.sketch` is the way in."""
