"""From one photo's depth, surfaces and camera to a room: what `poc.scene` and `poc.measure` are made of."""
