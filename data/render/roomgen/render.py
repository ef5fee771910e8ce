"""Cycles: the picture (auto-exposed, denoised) and the exact passes (one unfiltered ray per pixel centre)."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
import OpenEXR
from PIL import Image

from .camera import Pose

FAR = 1e9
"""The depth pass holds 1e10 where a ray hits nothing."""


@dataclass(frozen=True)
class Quality:
    """samples per pixel, light bounces, threads (0: all), and whether the denoiser takes its slower, cleaner path."""

    samples: int
    bounces: int
    threads: int
    fine: bool


def fresh_scene() -> None:
    """Empties Blender."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


def set_up(quality: Quality) -> None:
    """Render settings that hold for every pass of a scene."""
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.device = "CYCLES", "CPU"
    scene.render.use_persistent_data = True
    scene.render.threads_mode, scene.render.threads = ("FIXED", quality.threads) if quality.threads else ("AUTO", 1)
    cycles = scene.cycles
    cycles.max_bounces = quality.bounces
    cycles.diffuse_bounces, cycles.glossy_bounces = quality.bounces, min(4, quality.bounces)
    cycles.transmission_bounces, cycles.transparent_max_bounces = 4, 12
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect, cycles.sample_clamp_direct = 60.0, 0.0
    cycles.blur_glossy, cycles.use_light_tree = 0.5, False
    cycles.use_adaptive_sampling, cycles.adaptive_threshold = quality.samples >= 16, 0.012 if quality.fine else 0.05
    layer = scene.view_layers[0]
    layer.use_pass_z = layer.use_pass_object_index = True
    scene.view_settings.view_transform = "AgX"


def picture(pose: Pose, quality: Quality, look: str, target: float) -> np.ndarray:
    """The photograph, uint8 H×W×3 sRGB: rendered once in linear light, metered, then developed by Blender's AgX.

    target: linear value that the view's middle tone is brought to (what a phone's auto-exposure does).
    """
    pose.aim()
    _sampling(quality.samples, True, quality.fine)
    linear = _exr(("Combined.R", "Combined.G", "Combined.B"))
    scene = bpy.context.scene
    scene.view_settings.exposure, scene.view_settings.look = _stops(linear, target), look
    settings = scene.render.image_settings
    settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGB", "8"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        bpy.data.images["Render Result"].save_render(str(path), scene=scene)
        return np.array(Image.open(path).convert("RGB"))


def _stops(linear: np.ndarray, target: float) -> float:
    """Stops that bring the middle luminance to `target`; blown windows and the darkest corners count little."""
    luminance = np.tensordot(linear, [0.2126, 0.7152, 0.0722], axes=(0, 0)).clip(1e-4, None)
    low, high = np.quantile(luminance, [0.02, 0.93])
    return float(np.log2(target / np.exp(np.log(luminance.clip(low, high)).mean())))


def exact_passes(pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """Depth along z (float32 metres, 0 where nothing is hit) and pass index (int32), one ray per pixel centre."""
    pose.aim()
    _sampling(1, False)
    cycles = bpy.context.scene.cycles
    kept = cycles.max_bounces, cycles.pixel_filter_type, cycles.filter_width
    cycles.max_bounces, cycles.pixel_filter_type, cycles.filter_width = 0, "BOX", 0.01
    depth, index = _exr(("Depth.Z", "Object Index.X"))
    cycles.max_bounces, cycles.pixel_filter_type, cycles.filter_width = kept
    return np.where(depth < FAR, depth, 0.0).astype(np.float32), np.rint(index).astype(np.int32)


def _sampling(samples: int, denoise: bool, fine: bool = False) -> None:
    cycles = bpy.context.scene.cycles
    cycles.samples, cycles.use_denoising = samples, denoise
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_prefilter = "ACCURATE" if fine else "FAST"
    cycles.denoising_quality = "HIGH" if fine else "BALANCED"


def _write(path: Path) -> None:
    bpy.context.scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)


def _exr(names: tuple[str, ...]) -> np.ndarray:
    """Renders and returns the named channels, n×H×W float32."""
    settings = bpy.context.scene.render.image_settings
    settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.color_depth = "OPEN_EXR_MULTILAYER", "32"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "passes.exr"
        _write(path)
        parts = OpenEXR.File(str(path), separate_channels=True).parts
        channels = {name: channel.pixels for part in parts for name, channel in part.channels.items()}
        return np.stack([channels[f"ViewLayer.{name}"] for name in names])
