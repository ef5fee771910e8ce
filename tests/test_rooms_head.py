"""The head that tells photos of rooms from all others: learnt, exported, restored, and heard when a photo is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from poc.errors import DataError
from poc.models.weights import SHIPPED
from poc.room.refusal import LEAST_EVIDENCE, Evidence, refuse
from poc.room.view import make_view
from tests.data_folder import short_run, write_folder
from tests.synthetic import make_room

PHOTOS = sorted((SHIPPED.parent / "photos" / "rgb").glob("*.jpg"))


def _others(folder: Path, n: int, seed: int = 0) -> list[Path]:
    """Pictures of clouds: noise of a few cells, grown."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, paths = np.random.default_rng(seed), [folder / f"cloud_{i}.png" for i in range(n)]
    for path in paths:
        cells = rng.integers(0, 256, (int(rng.integers(3, 40)), int(rng.integers(3, 40)), 3), np.uint8)
        cv2.imwrite(str(path), cv2.resize(cells, (320, 240), interpolation=cv2.INTER_CUBIC))
    return paths


def _small(path: Path):
    """What the network is shown of a photo of 64 × 48 pixels."""
    import torch

    rgb = cv2.resize(cv2.imread(str(path))[:, :, ::-1].copy(), (320, 240), interpolation=cv2.INTER_LINEAR)
    return torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255


def test_what_the_whole_picture_looks_like_counts():
    good = Evidence(sure_wall=0.15, upper=0.7, contact=0.1, texture=14.0, line_sigma_rad=0.03)
    assert replace(good, room_logit=-6.0).total < LEAST_EVIDENCE < replace(good, room_logit=2.0).total
    assert good.terms()["whole"] == 0.0, "weights that do not judge it say nothing"


@pytest.mark.parametrize("seed", range(3))
def test_a_picture_with_the_lines_of_a_room_that_looks_like_none_is_refused(seed):
    room = make_room(seed)
    view = make_view(room.camera, room.depth, room.surfaces)
    assert refuse(room.photo, view, room.camera, replace(room.surfaces, room_logit=4.0)) is None
    assert "as a whole" in refuse(room.photo, view, room.camera, replace(room.surfaces, room_logit=-8.0))


def test_the_shipped_weights_tell_rooms_from_clouds(tmp_path):
    from poc.depth import estimate
    from poc.photo import load_photo

    assert all(estimate(load_photo(path))[1].room_logit > 1 for path in PHOTOS)
    assert all(estimate(load_photo(path))[1].room_logit < -1 for path in _others(tmp_path, 4))


@pytest.mark.parametrize(("turns", "says"), [(1, "quarter to the right"), (2, "stands on its head"), (3, "quarter to the left")])
def test_a_photo_that_stands_wrong_is_told_how_to_turn_it(turns, says):
    """As programs leave it that lose what the camera noted of how it was held."""
    from poc.camera import estimate_camera
    from poc.depth import detect_rotation, estimate
    from poc.photo import load_photo
    from poc.scene import build_scene

    for path in PHOTOS:
        upright = load_photo(path)
        wrong = replace(upright, rgb=np.ascontiguousarray(np.rot90(upright.rgb, turns)), f_px=None)
        depth, surfaces = estimate(wrong)
        surfaces = detect_rotation(wrong, surfaces)
        assert says in build_scene(wrong, depth, surfaces, estimate_camera(wrong, surfaces, depth)).refusal
        assert detect_rotation(upright, estimate(upright)[1]).turns == 0


@pytest.mark.torch
class TestWithTorch:
    @pytest.fixture(autouse=True)
    def _torch(self):
        pytest.importorskip("torch")

    def test_each_kind_counts_half(self):
        """Two clouds of points a distance apart, one of many: the line lies between them, not at the smaller one."""
        import torch

        from poc.training.rooms import separate

        rng = torch.Generator().manual_seed(0)
        points = [torch.randn(n, 3, generator=rng, dtype=torch.float64) + at for n, at in ((3000, 2.0), (60, -2.0))]
        for k, shift in ((1.0, 0.0), (50.0, 7.0)):  # in other units, and about another point
            weight, bias = separate(*(p * k + shift for p in points))
            right = [float((sign * ((p * k + shift) @ weight + bias) > 0).double().mean()) for p, sign in zip(points, (1, -1))]
            assert min(right) > 0.98
            assert abs(float(weight.sum() * shift + bias)) < 0.5, "the middle is no room's and no other's"

    def test_what_the_photos_do_not_show_stays_as_it_was_known(self):
        import torch

        from poc.training.rooms import separate

        rng = torch.Generator().manual_seed(0)
        rooms, others = (torch.randn(40, 3, generator=rng, dtype=torch.float64) + at for at in (1.0, -1.0))
        rooms[:, 2] = others[:, 2] = 0.5  # the same in all of them
        weight, bias = separate(rooms, others, torch.tensor([0.0, 0.0, 7.0], dtype=torch.float64))
        assert float(weight[2]) == pytest.approx(7.0) and float(weight[0]) > 0.1
        middle = float((rooms @ weight + bias).mean() + (others @ weight + bias).mean())
        assert abs(middle) < 0.5, "the constant makes up for it"

    def test_copies_stay_whole_and_are_the_same_by_seed(self):
        import torch

        from poc.training.rooms import SIDES_PX, changed

        rgb = cv2.imread(str(PHOTOS[0]))[:, :, ::-1]
        made = [[changed(rgb, 0.5, rng, light) for _ in range(12)] for rng, light in ((np.random.default_rng(1), torch.Generator().manual_seed(1)) for _ in range(2))]
        assert all(np.array_equal(a, b) for a, b in zip(*made))
        assert all(SIDES_PX[0] - 1 <= max(a.shape) <= SIDES_PX[1] + 1 and a.dtype == np.uint8 for a in made[0])
        assert len({a.shape for a in made[0]}) == 12
        assert {bool(np.ptp(a.astype(int), axis=2).mean() < 8) for a in made[0]} == {True, False}, "some are grey"

    def test_it_is_learnt_exported_and_restored(self, tmp_path):
        pytest.importorskip("onnxscript")
        import torch

        from poc.models import load_model
        from poc.models.embedded_net import EmbeddedNet
        from poc.photo import load_photo
        from poc.training.export import export
        from poc.training.networks import new_network
        from poc.training.restore import load_onnx
        from poc.training.rooms import gist, learn_rooms

        net, cpu = new_network(str(SHIPPED / "embedded.onnx")).eval(), torch.device("cpu")
        with torch.no_grad():
            net.room.weight.zero_()
        assert not net.knows_rooms()
        others = _others(tmp_path / "others", 12)
        learn_rooms(net, PHOTOS[:3], others[:8], cpu)
        assert net.knows_rooms()

        def says(path):
            with torch.no_grad():
                return float(net.room(gist(net, cv2.imread(str(path))[:, :, ::-1].copy(), cpu).float()))

        assert min(map(says, PHOTOS[3:])) > max(0, *map(says, others[8:])), "not learnt from"
        torch.save({"average": net.state_dict()}, tmp_path / "c.pt")
        out = export(tmp_path / "c.pt", tmp_path / "embedded.onnx", [], {})
        restored = load_onnx(EmbeddedNet(), out)
        assert torch.allclose(restored.room.weight, net.room.weight, rtol=2e-3, atol=1e-6) and torch.equal(restored.room.bias, net.room.bias)
        photo = load_photo(PHOTOS[0])
        small = torch.from_numpy(cv2.resize(photo.rgb, (320, 240), interpolation=cv2.INTER_AREA)).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            both = [float(net.room(net.gist(*net.coarse(image)))) for image in (small, small.flip(3))]
        assert load_model("embedded", tmp_path).surfaces(photo).room_logit == pytest.approx(np.mean(both), abs=0.05)

    def test_a_run_learns_it_last_and_is_gone_on_with(self, tmp_path):
        """With fewer photos of rooms than of anything else; a folder more is no other run, and what knows none says nothing."""
        pytest.importorskip("onnxscript")
        import torch

        from poc.training.loop import train
        from poc.training.networks import load_checkpoint

        write_folder(tmp_path / "data", n=4)
        plain = load_checkpoint(train(short_run(tmp_path, epochs=1)))
        assert not plain.knows_rooms()
        _others(tmp_path / "others", 5)
        learnt = load_checkpoint(train(short_run(tmp_path, epochs=1, not_rooms=(str(tmp_path / "others"),))))
        assert learnt.knows_rooms()
        for key, value in learnt.state_dict().items():
            assert key.startswith("room.") or torch.equal(value, plain.state_dict()[key])
        known = str(tmp_path / "out" / "last.pt")
        again = load_checkpoint(train(short_run(tmp_path, epochs=2, init=known, out=str(tmp_path / "on"))))
        assert torch.equal(again.room.weight, learnt.room.weight), "it is kept by runs that do not learn it"
        rooms = [_small(path) for path in sorted((tmp_path / "data" / "rgb").glob("*.jpg"))]
        odds = [np.mean([float(net.room(net.gist(*net.coarse(image))).detach()) for image in rooms]) for net in (learnt, again)]
        assert odds[1] == pytest.approx(odds[0], abs=1e-3), "and says the same of photos of rooms, though what it sees has moved"
        assert not torch.equal(again.room.bias, learnt.room.bias)
        more = load_checkpoint(train(short_run(tmp_path, epochs=1, init=known, out=str(tmp_path / "more"), not_rooms=(str(tmp_path / "others"),))))
        assert not torch.equal(more.room.weight, again.room.weight)

    def test_a_run_from_before_there_was_such_a_head_is_gone_on_with(self, tmp_path):
        import torch

        from poc.training.loop import train

        write_folder(tmp_path / "data", n=4)
        path = train(short_run(tmp_path, epochs=1))
        saved = torch.load(path, weights_only=True)
        for part in ("net", "average"):
            saved[part] = {key: value for key, value in saved[part].items() if not key.startswith("room.")}
        torch.save(saved, path)
        config = json.loads((tmp_path / "out" / "config.json").read_text())
        (tmp_path / "out" / "config.json").write_text(json.dumps({key: value for key, value in config.items() if key != "not_rooms"}))
        assert len(json.loads((train(short_run(tmp_path, epochs=1)).parent / "history.json").read_text())) == 1

    def test_a_picture_that_cannot_be_read_is_named_before_anything_is_learnt(self, tmp_path):
        from poc.training.loop import train

        write_folder(tmp_path / "data", n=4)
        _others(tmp_path / "others", 2)
        (tmp_path / "others" / "broken.jpg").write_bytes(b"no picture")
        with pytest.raises(DataError, match="broken.jpg"):
            train(short_run(tmp_path, not_rooms=(str(tmp_path / "others"),)))
        assert not list((tmp_path / "out").glob("*"))
