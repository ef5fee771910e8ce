"""Furnished rooms with exact truth, rendered by Blender's Python module (bpy). See ../README.md."""
