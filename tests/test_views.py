"""Samples: what a turned, cropped or mirrored camera sees of a stored frame, and the light it sees it in (torch)."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from poc.training.augment import CANONICAL_FOCAL_PX, AugmentConfig, Stored
from poc.training.folder import IGNORE

STILL = AugmentConfig(
    whole_share=1.0, max_roll_deg=0.0, brightness=0, contrast=0, saturation=0, gamma=0,
    grey_share=0, blur_share=0, noise_share=0,
)  # fmt: skip


def flat(f_px, size=(320, 240)):
    """A grey wall 2 m away that faces the camera."""
    shape = size[::-1]
    return Stored(np.full((*shape, 3), 90, np.uint8), np.full(shape, 2.0, np.float16), np.ones(shape, np.uint8), f_px, (size[0] / 2, size[1] / 2))


def draw(stored, size=(320, 240), config=STILL, n=1, seed=0):
    import torch

    from poc.training.views import Bank

    return Bank([stored], torch.device("cpu")).sample([0] * n, size, config, torch.Generator().manual_seed(seed))


@pytest.mark.torch
class TestSamples:
    @pytest.fixture(autouse=True)
    def _torch(self):
        pytest.importorskip("torch")

    def test_canonical_depth_follows_the_focal(self):
        for f_px, size, depth in ((CANONICAL_FOCAL_PX, (320, 240), 2.0), (2 * CANONICAL_FOCAL_PX, (320, 240), 1.0), (CANONICAL_FOCAL_PX, (160, 120), 4.0)):
            log_depth = draw(flat(f_px), size)["log_depth"]
            assert log_depth.exp().median().item() == pytest.approx(depth, rel=1e-3)

    def test_a_zoomed_crop_is_canonically_nearer(self):
        near = replace(STILL, whole_share=0.0, turn_share=0.0, min_zoom=0.55, aspect_jitter=0.0)
        depths = draw(flat(CANONICAL_FOCAL_PX), config=near, n=20)["log_depth"].exp().flatten(1).nanmedian(1).values
        assert depths.min() < 2.0 * 0.7 and depths.max() <= 2.0 + 1e-3

    def test_a_turned_camera_sees_the_same_wall(self):
        """Its depth lies on a plane as far away as before, tilted as the camera was turned."""
        import torch

        from poc.training.views import Bank, draw_cameras, pixel_centres

        config = replace(STILL, whole_share=0.0, turn_share=1.0, max_roll_deg=4.0)
        bank = Bank([flat(300.0, (480, 360))], torch.device("cpu"))
        cameras, sample = (make(torch.Generator().manual_seed(1)) for make in (
            lambda rng: draw_cameras(bank.size[[0] * 4], bank.f_px[[0] * 4], bank.centre[[0] * 4], (320, 240), config, rng),
            lambda rng: bank.sample([0] * 4, (320, 240), config, rng),
        ))  # fmt: skip
        pixels = pixel_centres((320, 240), 1, torch.device("cpu"))
        tilts = []
        for log_depth, f_net, ray_z in zip(sample["log_depth"], cameras.f_net, cameras.ray_z):
            z = log_depth.exp() * f_net / CANONICAL_FOCAL_PX
            points = torch.stack([(pixels[..., 0] - 160) / f_net * z, (pixels[..., 1] - 120) / f_net * z, z], -1)
            points = points[~z.isnan()].double()
            middle = points.mean(0)
            normal = torch.linalg.svd(points[::17] - middle, full_matrices=False).Vh[2]
            assert abs(middle @ normal).item() == pytest.approx(2.0, abs=2e-3) and ((points - middle) @ normal).abs().max() < 2e-3
            tilts.append(normal[2].abs().acos().item())
        assert max(tilts) > 0.1, "no camera was turned"

    @pytest.mark.parametrize("turned", [0.0, 1.0])
    def test_colour_and_depth_of_a_sample_are_of_the_same_pixel(self, turned):
        """A photo whose grey tells its depth still does, cropped, zoomed, rolled, mirrored and turned."""
        import torch

        from poc.training.views import Bank, draw_cameras, pixel_centres

        y, x = np.mgrid[:360, :480]
        depth = 1 + 2 * x / 480 + y / 360
        stored = replace(flat(300.0, (480, 360)), rgb=np.repeat(np.uint8(np.round(60 * depth))[..., None], 3, 2), depth_m=depth.astype(np.float16))
        config = replace(STILL, whole_share=0.0, turn_share=turned, max_roll_deg=4.0)
        bank = Bank([stored], torch.device("cpu"))
        cameras = draw_cameras(bank.size[[0] * 8], bank.f_px[[0] * 8], bank.centre[[0] * 8], (320, 240), config, torch.Generator().manual_seed(3))
        sample = bank.sample([0] * 8, (320, 240), config, torch.Generator().manual_seed(3))
        along = (pixel_centres((320, 240), 1, torch.device("cpu")) @ cameras.ray_z.T).permute(2, 0, 1)
        told = sample["log_depth"].exp() * along * (cameras.f_net / CANONICAL_FOCAL_PX)[:, None, None]
        off = (told - sample["image"][:, 0] * 255 / 60).abs()
        assert off.isnan().float().mean() < 0.2 and off.nan_to_num().max() < 0.02

    def test_a_whole_view_is_the_photo_made_smaller(self):
        shade = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)
        photo = replace(flat(300.0, (480, 360)), rgb=cv2.resize(shade, (480, 360), interpolation=cv2.INTER_CUBIC))
        seen = draw(photo)["image"][0].permute(1, 2, 0).numpy()
        small = cv2.resize(photo.rgb, (320, 240), interpolation=cv2.INTER_AREA) / 255
        assert min(np.abs(seen - small).mean(), np.abs(seen[:, ::-1] - small).mean()) < 0.01

    def test_beyond_the_frame_nothing_is_known(self):
        """Frames of two sizes share a canvas; what lies beyond the smaller one is its own mirror image, without depth or label."""
        import torch

        from poc.training.views import Bank

        small, large = flat(100.0, (160, 120)), flat(300.0, (480, 360))
        small = replace(small, rgb=np.full_like(small.rgb, 200))
        config = replace(STILL, whole_share=0.0, turn_share=1.0, max_off=0.4)
        sample = Bank([small, large], torch.device("cpu")).sample([0] * 6, (320, 240), config, torch.Generator().manual_seed(0))
        unknown = sample["log_depth"].isnan()
        assert unknown.any() and not unknown.all() and torch.equal(unknown, sample["surface"] == IGNORE)
        assert (sample["image"] - 200 / 255).abs().max() < 1e-5

    def test_samples_are_the_same_for_the_same_seed(self):
        import torch

        from poc.training.light import jitter_light

        a, b = (draw(flat(300.0), config=AugmentConfig(), n=3, seed=5) for _ in range(2))
        assert all(torch.equal(a[k].nan_to_num(), b[k].nan_to_num()) for k in a)
        one, two, other = (jitter_light(a["image"], AugmentConfig(), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
        assert torch.equal(one, two) and not torch.equal(one, other) and one.min() >= 0 and one.max() <= 1

    def test_light_changes_each_photo_by_itself_and_blur_keeps_what_is_flat(self):
        import torch

        from poc.training.light import gaussian_blur, jitter_light

        image = torch.full((4, 3, 32, 40), 0.4)
        assert jitter_light(image, AugmentConfig(noise_share=0.0), torch.Generator().manual_seed(0)).flatten(1).mean(1).unique().numel() == 4
        assert torch.allclose(gaussian_blur(image, torch.tensor([0.3, 0.6, 0.9, 1.2])), image, atol=1e-6)
        edge = (torch.arange(40) >= 20).float().expand(2, 3, 32, 40)
        soft = gaussian_blur(edge, torch.tensor([0.3, 1.2]))[:, 0, 16]
        assert (soft[0] - edge[0, 0, 16]).abs().max() < 0.01 and 0.2 < (soft[1] - edge[1, 0, 16]).abs().max() < 0.5
