"""Two networks in one file that answer as one: the first looks at the photo, the second at its mirror image (torch)."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from poc.errors import DataError, ModelError, ParameterError
from poc.models import load_model
from poc.photo import photo_from_array
from tests.data_folder import short_run, write_folder

RGB = np.random.default_rng(5).integers(0, 255, (96, 128, 3), np.uint8)


def test_a_sidecar_with_another_number_of_networks(tmp_path):
    from poc.models.weights import SHIPPED

    for name in ("embedded.onnx", "embedded.json"):
        shutil.copy(SHIPPED / name, tmp_path)
    facts = json.loads((tmp_path / "embedded.json").read_text())
    for wrong in (3, 0, "2", True, None):
        (tmp_path / "embedded.json").write_text(json.dumps(facts | {"networks": wrong}))
        with pytest.raises(ModelError, match="networks must be 1 or 2"):
            load_model("embedded", tmp_path)


@pytest.mark.torch
class TestPair:
    @pytest.fixture(autouse=True)
    def _torch(self):
        pytest.importorskip("torch")
        pytest.importorskip("onnx")

    @pytest.fixture
    def pair(self):
        import torch

        from poc.models.embedded_net import EmbeddedNet, Pair

        torch.manual_seed(0)
        pair = Pair(EmbeddedNet().eval(), EmbeddedNet().eval()).eval()
        with torch.no_grad():
            for net in pair.members:  # untrained heads hardly tell one pixel from another
                net.depth.weight.mul_(300)
                net.surface.weight.mul_(300)
        return pair

    def write(self, pair, tmp_path):
        """`pair` as `poc train --export --partner` would write it: the partner, the run's checkpoint, the file of both."""
        import torch

        from poc.training.export import export

        (tmp_path / "both").mkdir(exist_ok=True)
        for net, name in zip(pair.members, ("first", "second"), strict=True):
            torch.save({"average": net.state_dict()}, tmp_path / f"{name}.pt")
        partner = export(tmp_path / "first.pt", tmp_path / "first.onnx", [], {})
        return partner, export(tmp_path / "second.pt", tmp_path / "both" / "embedded.onnx", [], {}, partner=partner)

    def test_it_says_the_mean_of_what_both_say(self, pair):
        import torch

        from poc.training.score import answer_both_ways

        image = torch.rand(1, 3, 48, 64)
        with torch.no_grad():
            first, second = pair.members[0](image), pair.members[1](image.flip(3))
            for got, a, b in zip(pair(image), first, second, strict=True):
                assert torch.allclose(got, (a + b.flip(3)) / 2, atol=1e-5) and (a - b).abs().mean() > 0.01
                assert got.std() > 0.01 and not torch.allclose(got, (a + b) / 2, atol=1e-3)
            for got, want in zip(answer_both_ways(pair, image), pair(image), strict=True):
                assert torch.equal(got, want), "it has looked at both sides already"

    def test_the_file_says_what_the_networks_say_and_is_asked_once(self, pair, tmp_path):
        import torch

        from poc.models.preprocess import area_input

        _, path = self.write(pair, tmp_path)
        facts = json.loads(path.with_suffix(".json").read_text())
        assert facts["networks"] == 2 and facts["bytes"] == path.stat().st_size < 10_000_000
        assert facts["parameters"] == sum(p.numel() for p in pair.parameters())
        model = load_model("embedded", path.parent)
        image = area_input(RGB, (128, 96))
        with torch.no_grad():
            for got, want in zip(model._answers(image), pair(torch.from_numpy(image)), strict=True):
                assert np.abs(got - want.numpy()).max() < 5e-2 * float(want.std())  # float16 weights
        asked = []

        class Counting:
            def run(self, *args):
                asked.append(1)
                return model.session.run(*args)

            def __getattr__(self, name):
                return getattr(model.session, name)

        depth, _ = replace(model, session=Counting()).both(photo_from_array(RGB, f_px=100.0))
        assert len(asked) == 1 and depth.values.shape == RGB.shape[:2]

    def test_it_is_restored_and_trained_as_it_is(self, pair, tmp_path):
        """Both networks of the file, each in its place, and both learn."""
        import torch

        from poc.models.embedded_net import Pair
        from poc.training.loop import finetune_config, train
        from poc.training.networks import load_checkpoint, network_in, new_network
        from poc.training.recipe import make_config

        _, path = self.write(pair, tmp_path)
        assert network_in(str(path)) == "pair" and network_in(None) == network_in("x.npz") == "embedded"
        restored, image = new_network(str(path), "pair").eval(), torch.rand(1, 3, 96, 128)
        with torch.no_grad():
            for got, want in zip(restored(image), pair(image), strict=True):
                assert (got - want).abs().max() < 5e-2 * want.std()
        for got, want in zip(restored.members, pair.members, strict=True):
            assert torch.allclose(got.depth.weight, want.depth.weight, rtol=1e-3, atol=1e-4), "in its place"
        assert make_config((), tmp_path / "x", {"init": str(path)}).network == "pair"
        write_folder(tmp_path / "data")
        config = finetune_config(short_run(tmp_path), str(path), epochs=1, lr=1e-3)
        checkpoint = train(config)
        trained = load_checkpoint(checkpoint)
        assert network_in(str(checkpoint)) == "pair"
        assert isinstance(trained, Pair)
        for before, after in zip(restored.members, trained.members, strict=True):
            assert torch.equal(before.encoder.stem[0].weight, after.encoder.stem[0].weight), "frozen"
            assert not torch.equal(before.encoder.blocks[9].project[0].weight, after.encoder.blocks[9].project[0].weight)
            assert not torch.equal(before.depth.weight, after.depth.weight)

    def test_what_cannot_be_paired_is_said_before_training(self, pair, tmp_path):
        from poc.training.export import check_partner, export

        partner, path = self.write(pair, tmp_path)
        config = short_run(tmp_path)
        check_partner(config, partner, tmp_path / "out.onnx")
        with pytest.raises(ParameterError, match="give --export too"):
            check_partner(config, partner, None)
        with pytest.raises(ParameterError, match="this run trains a teacher"):
            check_partner(short_run(tmp_path, network="teacher"), partner, tmp_path / "out.onnx")
        for wrong in (path, tmp_path / "none.onnx", tmp_path / "second.pt"):
            with pytest.raises(DataError, match="one embedded network|cannot be read"):
                check_partner(config, wrong, tmp_path / "out.onnx")
            with pytest.raises(DataError, match="one embedded network|cannot be read"):
                export(tmp_path / "second.pt", tmp_path / "out.onnx", [], {}, partner=wrong)
        partner.with_suffix(".json").write_text(json.dumps({"canonical_focal_px": 300.0, "sigma_scale": 1.0}))
        with pytest.raises(DataError, match="canonical focal length 300"):
            check_partner(config, partner, tmp_path / "out.onnx")
        assert not (tmp_path / "out.onnx").exists()

    def test_the_record_names_the_partner_whose_calibration_stays(self, pair, tmp_path):
        from poc.training.export import export_run

        partner, _ = self.write(pair, tmp_path)
        write_folder(tmp_path / "data", n=1)
        facts = json.loads(partner.with_suffix(".json").read_text())
        partner.with_suffix(".json").write_text(json.dumps(facts | {"sigma_scale": 1.25, "far_log": 0.03}))
        out = export_run(tmp_path / "second.pt", tmp_path / "out.onnx", short_run(tmp_path), calibrate=False, partner=partner)
        record = json.loads(out.with_suffix(".json").read_text())
        assert (record["networks"], record["sigma_scale"], record["far_log"]) == (2, 1.25, 0.03)
        assert record["training"]["partner"] == f"first.onnx sha256:{facts['sha256']}"
