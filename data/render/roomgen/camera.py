"""The phone that takes the picture: an exact pinhole camera."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix


@dataclass(frozen=True)
class Pose:
    """position: x, y, z in the generator's frame (z = height above the floor). yaw_deg: 0 looks along +y, positive to
    the right. pitch_deg: positive looks up. roll_deg: positive turns the camera clockwise. f35_mm: whole millimetres,
    so that the EXIF entry is exact; f_px = f35 / 36 · long side. width, height: pixels."""

    position: tuple[float, float, float]
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    f35_mm: int
    width: int
    height: int

    @property
    def f_px(self) -> float:
        return self.f35_mm / 36.0 * max(self.width, self.height)

    @property
    def centre(self) -> tuple[float, float]:
        """Principal point with pixel (0, 0) centred on the top-left pixel."""
        return (self.width - 1) / 2, (self.height - 1) / 2

    def cam_from_world(self) -> np.ndarray:
        """3×3, rows: the camera's right, down and forward in the generator's frame."""
        yaw, pitch, roll = np.radians([self.yaw_deg, self.pitch_deg, self.roll_deg])
        forward = np.array([np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
        right = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
        down = np.cross(forward, right)
        return np.stack(
            [np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right, forward]
        )

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """World points n×3 → u, v (pixels) and z (metres; ≤ 0 is behind)."""
        cam = (np.asarray(points) - self.position) @ self.cam_from_world().T
        z = np.where(np.abs(cam[:, 2]) < 1e-9, 1e-9, cam[:, 2])
        return self.f_px * cam[:, 0] / z + self.centre[0], self.f_px * cam[:, 1] / z + self.centre[1], cam[:, 2]

    def scaled(self, factor: float) -> "Pose":
        """The same view at another size."""
        return Pose(
            self.position,
            self.yaw_deg,
            self.pitch_deg,
            self.roll_deg,
            self.f35_mm,
            round(self.width * factor),
            round(self.height * factor),
        )

    def aim(self) -> None:
        """Makes this the scene's camera."""
        scene = bpy.context.scene
        camera = scene.camera
        if camera is None:
            camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
            scene.collection.objects.link(camera)
            scene.camera = camera
        camera.data.sensor_fit, camera.data.sensor_width = "AUTO", 36.0
        camera.data.lens, camera.data.clip_start, camera.data.clip_end = float(self.f35_mm), 0.02, 200.0
        right, down, forward = self.cam_from_world()
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = np.stack([right, -down, -forward], axis=1), self.position
        camera.matrix_world = Matrix(pose.tolist())
        scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = (
            self.width,
            self.height,
            100,
        )
