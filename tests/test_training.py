"""Losses, a short run, its resumption and the export (torch)."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

from poc.errors import DataError
from poc.training.augment import CANONICAL_FOCAL_PX, AugmentConfig
from poc.training.folder import list_frames, load_frame, read_names
from tests.data_folder import short_run, write_folder


def torch_content(path):
    """The weights in a checkpoint, all of them, as something that can be compared."""
    import torch

    return {key: value.numpy().tobytes() for key, value in torch.load(path, weights_only=True)["average"].items()}


@pytest.mark.torch
class TestWithTorch:
    @pytest.fixture(autouse=True)
    def _torch(self):
        pytest.importorskip("torch")

    def test_losses_are_zero_for_the_truth_and_shape_losses_blind_to_scale(self):
        import torch

        from poc.training import losses

        error = torch.full((2, 8, 8), 0.3)
        known = torch.ones(2, 8, 8)
        assert losses.log_l1(error, known).item() == pytest.approx(0.3)
        assert losses.scale_invariant(error, known).item() == pytest.approx(1e-3, abs=1e-4)
        assert losses.multi_scale_gradient(error, known).item() == 0
        assert losses.log_l1(error * 0, known).item() == 0

    def test_affine_loss_is_blind_to_scale_and_shift_of_inverse_depth(self):
        import torch

        from poc.training import losses

        truth = torch.linspace(0.2, 1.6, 48).reshape(1, 6, 8)
        known = torch.ones_like(truth)
        moved = -torch.log(1.7 * torch.exp(-truth) + 0.08)
        assert losses.affine_aligned(moved, truth, known).item() < 1e-3
        bent = truth + 0.2 * torch.sin(torch.arange(48.0)).reshape(1, 6, 8)
        assert losses.affine_aligned(bent, truth, known).item() > 0.05
        assert losses.affine_aligned(bent, truth, known * 0).item() == 0

    def test_expected_error_is_best_when_it_is_the_error(self):
        import torch

        from poc.training import losses

        error, known = torch.full((1, 4, 4), 0.2), torch.ones(1, 4, 4)
        at = {s: losses.laplace_nll(error, torch.full((1, 4, 4), float(np.log(s))), known).item() for s in (0.1, 0.2, 0.4)}
        assert at[0.2] < at[0.1] and at[0.2] < at[0.4]

    def test_edges_weigh_more(self):
        import torch

        from poc.training import losses

        surface = torch.full((1, 20, 20), 2)
        surface[:, 10:] = 1
        weight = losses.edge_weight(surface)[0]
        assert weight[10, 5] == 3 and weight[0, 5] == 1 and weight[19, 5] == 1

    def test_interrupted_and_resumed_is_as_uninterrupted(self, tmp_path):
        import torch

        from poc.training.loop import train

        write_folder(tmp_path / "data")
        whole = train(short_run(tmp_path))

        class Interrupt(Exception):
            pass

        def stop_at_two(record):
            if record["epoch"] == 2:
                raise Interrupt

        cut = short_run(tmp_path, out=str(tmp_path / "cut"))
        with pytest.raises(Interrupt):
            train(cut, stop_at_two)
        resumed = train(cut)
        a, b = (torch.load(p, weights_only=True) for p in (whole, resumed))
        assert all(torch.allclose(a["average"][k], b["average"][k], atol=1e-4) for k in a["average"] if a["average"][k].is_floating_point())
        assert a["epoch"] == b["epoch"] == 4
        assert a["history"][-1]["total"] < a["history"][0]["total"]
        assert b["history"][-1]["total"] == pytest.approx(a["history"][-1]["total"], rel=0.05)

    def test_the_shipped_weights_are_trained_on_with_photos_and_resumed(self, tmp_path):
        """With statistics of their own; the photos take the share of an epoch they are given."""
        pytest.importorskip("onnx")
        import torch

        from poc.models.weights import SHIPPED
        from poc.training.loop import train
        from poc.training.store import Source

        write_folder(tmp_path / "data", size=(128, 96))
        given = dict(
            init=str(SHIPPED / "embedded.onnx"), photos=(Source(str(tmp_path / "data" / "rgb"), 0.5),), alone=0.0, epochs=2, lr=1e-4,
            sizes=((1.0, (128, 96)),),
        )  # fmt: skip
        whole = torch.load(train(short_run(tmp_path, **given)), weights_only=True)

        def stop(record):
            raise InterruptedError

        with pytest.raises(InterruptedError):
            train(short_run(tmp_path, out=str(tmp_path / "cut"), **given), stop)
        resumed = torch.load(train(short_run(tmp_path, out=str(tmp_path / "cut"), **given)), weights_only=True)
        for key, value in whole["average"].items():
            assert not value.is_floating_point() or torch.allclose(value, resumed["average"][key], atol=1e-4), key
        assert whole["average"]["fuse.3.reduce.1.running_var"].std() > 0.01, "norms were left an identity"

    def test_another_run_in_the_folder_is_not_gone_on_with(self, tmp_path):
        from poc.errors import ParameterError
        from poc.training.loop import train

        write_folder(tmp_path / "data")
        train(short_run(tmp_path, epochs=1))
        with pytest.raises(ParameterError, match="other settings .epochs, lr."):
            train(short_run(tmp_path, epochs=2, lr=1e-3))

    def test_other_frames_behind_the_same_path_are_another_run(self, tmp_path):
        from poc.errors import ParameterError
        from poc.training.loop import train

        write_folder(tmp_path / "data")
        first, second, *_ = (f.name for f in list_frames(tmp_path / "data"))
        held_out = tmp_path / "held out.txt"
        held_out.write_text(first + "\n")
        train(short_run(tmp_path, epochs=1, held_out=str(held_out)))
        held_out.write_text(second + "\n")
        with pytest.raises(ParameterError, match="frames and those held out"):
            train(short_run(tmp_path, epochs=1, held_out=str(held_out)))

    def test_other_content_behind_the_same_names_is_another_run(self, tmp_path):
        """Depth, labels, photos, cameras and crops count, wherever the folder lies; what is written anew as it was, and what is held
        out, change nothing."""
        from poc.errors import ParameterError
        from poc.training.loop import train
        from poc.training.record import settings_changed
        from poc.training.store import Source

        first, second, *_ = write_folder(tmp_path / "data", n=5)
        shutil.copytree(tmp_path / "data", tmp_path / "kept")
        (tmp_path / "held out.txt").write_text(first + "\n")
        config = short_run(tmp_path, epochs=1, held_out=str(tmp_path / "held out.txt"), photos=(Source(str(tmp_path / "kept" / "rgb"), 0.5),), alone=0.0)
        checkpoint, earlier = train(config), []
        before, data = checkpoint.read_bytes(), tmp_path / "data"
        meta = json.loads((data / "meta.json").read_text())

        def again():
            shutil.rmtree(data)
            shutil.copytree(tmp_path / "kept", data, copy_function=shutil.copyfile)

        def deeper(name):
            path = str(data / "depth_mm" / f"{name}.png")
            cv2.imwrite(path, cv2.imread(path, cv2.IMREAD_UNCHANGED) + 500)

        for change in (
            lambda: deeper(second), lambda: cv2.imwrite(str(data / "label" / f"{second}.png"), np.ones((48, 64), np.uint8)),
            lambda: (data / "label" / f"{second}.png").unlink(), lambda: cv2.imwrite(str(data / "rgb" / f"{second}.jpg"), np.ones((48, 64, 3), np.uint8)),
            lambda: (data / "meta.json").write_text(json.dumps(meta | {"intrinsics": meta["intrinsics"] | {"fx": 61.0}})),
            lambda: (data / "meta.json").write_text(json.dumps(meta | {"crop": {"rows": [0, 40], "cols": [0, 64]}})),
            lambda: (data / "meta.json").write_text(json.dumps(meta | {"metric": False})),
        ):  # fmt: skip
            change()
            assert settings_changed(config) == ["photos, depth, labels and cameras"]
            again()
        deeper(second)
        with pytest.raises(ParameterError, match=r"other settings \(photos, depth, labels and cameras\): give another --out, or delete it"):
            train(config)
        assert checkpoint.read_bytes() == before
        again()
        deeper(first)
        assert settings_changed(config) == []
        moved = replace(config, sources=(Source(str(tmp_path / "kept")),), held_out=str(shutil.copy(tmp_path / "held out.txt", tmp_path / "same.txt")))
        train(moved, earlier=earlier.extend)
        assert [record["epoch"] for record in earlier] == [1]
        cv2.imwrite(str(tmp_path / "kept" / "rgb" / f"{second}.jpg"), np.ones((48, 64, 3), np.uint8))
        assert settings_changed(config) == ["photos, depth, labels and cameras"], "photos without depth count too"
        assert "sources" in settings_changed(replace(config, sources=(Source(str(data), 0.5),)))

    def test_a_run_from_before_content_was_recorded_is_gone_on_with(self, tmp_path):
        from poc.training.loop import train
        from poc.training.record import CONTENT, settings_changed
        from poc.training.store import Source

        write_folder(tmp_path / "data", n=4)
        config, record = short_run(tmp_path, epochs=1), tmp_path / "out" / "config.json"
        train(config)
        facts = json.loads(record.read_text())
        del facts[CONTENT]
        record.write_text(json.dumps(facts))
        assert settings_changed(config) == []
        shutil.copytree(tmp_path / "data", tmp_path / "copy")
        assert settings_changed(replace(config, sources=(Source(str(tmp_path / "copy")),))) == ["sources"], "what it learnt from is known by its place alone"
        for text in ("{", "[]"):
            record.write_text(text)
            with pytest.raises(DataError, match="config.json: .*: delete its folder to start again, or give another --out"):
                train(config)

    def test_what_is_learnt_already_is_said(self, tmp_path, capsys):
        """And a run that was stopped says where it goes on."""
        from poc import cli

        write_folder(tmp_path / "data", n=4)
        (tmp_path / "r.json").write_text(json.dumps({"sizes": [[1.0, [64, 48]]]}))
        command = ["train", "--data", tmp_path / "data", "--out", tmp_path / "out", "--recipe", tmp_path / "r.json", "--epochs", "2", "--batch", "4"]
        assert cli.run([*map(str, command)]) == 0
        checkpoint, first = capsys.readouterr()
        assert first.count("\n") == 2 and "already" not in first
        before = torch_content(tmp_path / "out" / "last.pt")
        assert cli.run([*map(str, command)]) == 0
        out, err = capsys.readouterr()
        assert out == checkpoint and err.startswith(f"{tmp_path / 'out'}: already trained: 2 epochs, the last with a loss of ") and err.count("\n") == 1
        assert torch_content(tmp_path / "out" / "last.pt") == before

        from poc.cli_data import tell_earlier

        tell_earlier([{"epoch": 1, "total": 0.5}], 4, tmp_path)
        assert capsys.readouterr().err == f"{tmp_path}: continuing after 1 epoch of 4\n"

    def test_a_torn_checkpoint_is_told_in_one_line(self, tmp_path, capsys):
        import torch

        from poc import cli

        write_folder(tmp_path / "data", n=4)
        (tmp_path / "r.json").write_text(json.dumps({"sizes": [[1.0, [64, 48]]]}))
        command = ["train", "--data", tmp_path / "data", "--out", tmp_path / "out", "--recipe", tmp_path / "r.json", "--epochs", "1", "--batch", "4"]
        assert cli.run([*map(str, command)]) == 0
        capsys.readouterr()
        last = tmp_path / "out" / "last.pt"
        whole = last.read_bytes()
        saved = torch.load(last, weights_only=True)
        del saved["optimiser"]
        for spoil, says in (
            (lambda: last.write_bytes(whole[: len(whole) // 2]), "is damaged, or not a checkpoint"), (lambda: last.write_bytes(b"eleven"), "is damaged"),
            (lambda: torch.save(saved, last), "holds no optimiser to continue with"),
        ):  # fmt: skip
            spoil()
            assert cli.run([*map(str, command)]) == 2
            out, err = capsys.readouterr()
            assert out == "" and err.count("\n") == 1 and err.startswith(f"poc: {last}: {says}")
            assert "delete it to start again, or give another --out" in err
        last.unlink()
        assert cli.run([*map(str, command)]) == 0

    def test_a_disk_that_fills_up_is_told_in_one_line_and_leaves_nothing(self, tmp_path):
        """The limit on a file's size makes the kernel refuse the write in the middle, as a full disk does; what was there stays."""
        (tmp_path / "history.json").write_text("earlier")
        code = (
            "import resource, signal, sys, torch\n"
            "from poc.errors import WriteError\nfrom poc.training.loop import State, TrainConfig, save\n"
            "net = torch.nn.Linear(200, 200)\n"
            "state = State(net, net, torch.optim.AdamW(net.parameters()))\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
            "try:\n    save(state, TrainConfig(sources=(), out=sys.argv[1]))\n"
            "except WriteError as error:\n    print(error)\n"
        )
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
        assert done.stdout.startswith(f"cannot write {tmp_path / 'last.pt'} (File too large): "), done.stderr
        assert done.stdout.count("\n") == 1
        assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"history.json": "earlier"}

    def test_a_run_knows_the_network_it_started_from(self, tmp_path):
        """Its content, not only its name; and one of another network in its folder is not gone on from."""
        import torch

        from poc.errors import ParameterError
        from poc.training.loop import train

        write_folder(tmp_path / "data", n=4)
        start = train(short_run(tmp_path, epochs=1, out=str(tmp_path / "start")))
        first = short_run(tmp_path, epochs=1, init=str(start))
        train(first)
        saved = torch.load(start, weights_only=True)
        torch.save(saved | {"epoch": 7}, start)
        with pytest.raises(ParameterError, match=r"other settings \(networks it starts from or asks\)"):
            train(first)
        (tmp_path / "out" / "config.json").unlink()
        torch.save(saved | {"net": {}}, tmp_path / "out" / "last.pt")
        with pytest.raises(ParameterError, match="belongs to another network .* give another --out"):
            train(first)

    def test_held_out_photos_are_not_learnt_from_without_their_depth_either(self, tmp_path):
        from poc.training.store import Batches, Source, true_frames

        first, *_ = write_folder(tmp_path / "data", n=4)
        data, photos = (Source(str(tmp_path / "data")),), (Source(str(tmp_path / "data" / "rgb")),)
        (tmp_path / "alone").mkdir()
        shutil.copy(tmp_path / "data" / "rgb" / f"{first}.jpg", tmp_path / "alone")
        batches = Batches(data, frozenset([first]), AugmentConfig(), 0, photos)
        assert [len(pool) for pool in batches.pools] == [3, 3]
        with pytest.raises(DataError, match="every photo is held out"):
            Batches(data, frozenset([first]), AugmentConfig(), 0, (Source(str(tmp_path / "alone")),))
        meta = json.loads((tmp_path / "data" / "meta.json").read_text())
        assert [f.name for f in true_frames(data, frozenset([first]))] == [first]
        (tmp_path / "data" / "meta.json").write_text(json.dumps(meta | {"measured": False}))
        assert not true_frames(data, frozenset([first])), "what a teacher said is no truth to score on"

    @pytest.mark.parametrize(("size", "upright"), [((64, 48), 1 / 6), ((48, 64), 5 / 6)])
    def test_upright_photos_are_mostly_shown_upright(self, tmp_path, size, upright):
        from poc.training.store import Batches, Source

        write_folder(tmp_path / "data", n=4, size=size)
        batches = Batches((Source(str(tmp_path / "data")),), frozenset(), AugmentConfig(), 0)
        shapes = [batch.samples["image"].shape[2:] for batch in batches.epoch(0, 480, 2, (64, 48))]
        assert abs(np.mean([h > w for h, w in shapes]) - upright) < 0.08

    def test_a_held_out_name_that_no_frame_has_is_refused(self, tmp_path):
        from poc.training.loop import train

        write_folder(tmp_path / "data")
        (tmp_path / "names.txt").write_text("living room 1\n\n")
        assert read_names(tmp_path / "names.txt") == {"living room 1"}
        with pytest.raises(DataError, match="not here .living room 1."):
            train(short_run(tmp_path, epochs=1, held_out=str(tmp_path / "names.txt")))

    def test_divergence_stops_and_says_so(self, tmp_path):
        from poc.training.loop import Diverged, train

        write_folder(tmp_path / "data")
        with pytest.raises(Diverged, match="lower --lr"):
            train(short_run(tmp_path, lr=1e9, epochs=12))

    def test_a_run_that_diverged_in_its_last_epoch_is_not_taken_for_done(self, tmp_path, monkeypatch):
        from poc.training import loop

        write_folder(tmp_path / "data")
        losses = iter([0.9, 0.8, 5.0])
        monkeypatch.setattr(loop, "train_epoch", lambda *_: {"total": next(losses)})
        for _ in range(2):
            with pytest.raises(loop.Diverged, match="grew from 0.8 to 5"):
                loop.train(short_run(tmp_path, epochs=3))

    def test_export_agrees_with_torch_and_carries_its_facts(self, tmp_path):
        pytest.importorskip("onnxscript")
        import onnxruntime
        import torch

        from poc.models.embedded_net import EmbeddedNet
        from poc.training.export import export

        torch.manual_seed(0)
        net = EmbeddedNet().eval()
        checkpoint = tmp_path / "c.pt"
        torch.save({"average": net.state_dict()}, checkpoint)
        write_folder(tmp_path / "data", n=2)
        path = export(checkpoint, tmp_path / "m.onnx", list_frames(tmp_path / "data"), {"licence": "test"})
        facts = json.loads(path.with_suffix(".json").read_text())
        assert facts["bytes"] == path.stat().st_size < 10_000_000 and facts["licence"] == "test"
        assert facts["sigma_scale"] > 0
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        for h, w in ((48, 64), (96, 64)):
            image = np.random.default_rng(0).random((1, 3, h, w), np.float32)
            with torch.no_grad():
                expected = net(torch.from_numpy(image))
            for got, want in zip(session.run(None, {"image": image}), expected):
                assert np.abs(got - want.numpy()).max() < 2e-2 * np.abs(want.numpy()).max()  # float16 weights
        from poc.training.restore import load_onnx

        with torch.no_grad():
            for got, want in zip(load_onnx(EmbeddedNet(), path)(torch.from_numpy(image)), expected):
                assert (got - want).abs().max() < 2e-2 * want.abs().max()

    @pytest.mark.parametrize(("lacks", "far_log"), [(0.06, 0.03), (0.5, 0.1), (-0.2, 0.0)])
    def test_half_of_what_far_pixels_lack_is_given_back(self, tmp_path, monkeypatch, lacks, far_log):
        """A network that is right up close and lacks so much of log depth far away; its errors then fill the band."""
        from poc.models.embedded import far_ramp
        from poc.training import export

        write_folder(tmp_path / "data", n=2)
        frames = list_frames(tmp_path / "data")
        seen = load_frame(frames[0])
        height, width = seen.rgb.shape[:2]
        canonical = np.log(np.linspace(1.0, 8.0, height * width).reshape(height, width))
        log_z = canonical + np.log(export.network_focal(frames[0].fx, width, height) / CANONICAL_FOCAL_PX)
        true = replace(seen, depth_m=np.exp(log_z + lacks * far_ramp(canonical)).astype(np.float32))
        monkeypatch.setattr(export, "load_frame", lambda frame: true)
        monkeypatch.setattr(export, "predict_canonical", lambda *a: (log_z, np.full(log_z.shape, np.log(0.1)), None))
        found = export.calibrate(None, frames)
        assert found.far_log == pytest.approx(far_log, abs=0.002)
        assert found.sigma_scale == pytest.approx(abs(lacks - found.far_log) / 0.1 / 1.645, rel=0.02)

    def test_a_share_is_kept_of_an_exported_network_too(self, tmp_path):
        """Its norms are folded away: what it answers is kept, however the norms of the run stand."""
        import torch

        from poc.models.weights import SHIPPED
        from poc.training.loop import train
        from poc.training.networks import load_checkpoint, new_network

        write_folder(tmp_path / "data")
        given = dict(init=str(SHIPPED / "embedded.onnx"), network="embedded", epochs=1, lr=1e-7, kept=0.5)
        image = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(0))
        before = new_network(given["init"], "embedded").eval()(image)[0]
        after = load_checkpoint(train(short_run(tmp_path, out=str(tmp_path / "kept"), **given))).eval()(image)[0]
        assert (after - before).abs().mean() < 0.15, "1.1 where norms in two conventions are mixed"

    @pytest.mark.parametrize("freeze_norm", [True, False])
    def test_a_share_of_what_it_was_is_kept(self, tmp_path, freeze_norm):
        import torch

        from poc.errors import ParameterError
        from poc.training.loop import train

        write_folder(tmp_path / "data")
        start = train(short_run(tmp_path, epochs=1, out=str(tmp_path / "start")))
        given = dict(init=str(start), freeze_norm=freeze_norm, epochs=2)
        plain, kept = (train(short_run(tmp_path, out=str(tmp_path / f"kept{share}"), kept=share, **given)) for share in (0.0, 0.25))
        a, b, c = (torch.load(p, weights_only=True)["average"] for p in (start, plain, kept))
        assert not torch.allclose(a["depth.weight"], b["depth.weight"], atol=1e-4)
        between = {k: torch.allclose(c[k], 0.25 * a[k] + 0.75 * b[k], atol=1e-5) for k in a if a[k].is_floating_point()}
        own = [k for k in between if "running_" in k]
        assert own and all(between[k] for k in between if k not in own)
        assert all(between[k] for k in own) if freeze_norm else not any(between[k] for k in own if "var" in k), "norms that moved are measured anew"
        for wrong in (dict(kept=1.0, **given), dict(kept=0.5)):
            with pytest.raises(ParameterError, match="kept is a share between 0 and 1"):
                train(short_run(tmp_path, out=str(tmp_path / "wrong"), **wrong))

    def test_settings_come_from_defaults_recipe_and_hand_in_that_order(self, tmp_path):
        from poc.errors import ParameterError
        from poc.training.recipe import make_config

        recipe = tmp_path / "r.json"
        recipe.write_text(json.dumps({"lr": 5e-4, "epochs": 3, "sizes": [[1.0, [64, 48]]], "augment": {"whole_share": 0.5}}))
        config = make_config((), tmp_path / "out", {"epochs": 2}, recipe)
        assert (config.lr, config.epochs, config.batch) == (5e-4, 2, 8)
        assert config.augment == AugmentConfig(whole_share=0.5) and config.size_at(0) == (64, 48)
        tuned = make_config((), tmp_path / "out", {}, finetune=True)
        assert tuned.init.endswith("embedded.onnx") and tuned.freeze_norm and tuned.lr < 1e-3
        for text, message in (("[]", "JSON object"), ("{", "cannot be read"), ('{"learning_rate": 1}', "unknown setting learning_rate"),
                              ('{"augment": {"zoom": 1}}', "unknown setting zoom"), ('{"out": "x"}', "unknown setting out")):
            recipe.write_text(text)
            with pytest.raises(ParameterError, match=message):
                make_config((), tmp_path / "out", {}, recipe)

    def test_every_shipped_recipe_is_valid(self, tmp_path):
        from poc.models.weights import SHIPPED
        from poc.training.recipe import make_config

        recipes = sorted((SHIPPED / "recipe").glob("*.json"))
        assert recipes and all(make_config((), tmp_path, {}, r).epochs > 1 for r in recipes)

    @pytest.mark.parametrize(("metric", "measured", "learnt"), [(True, True, {"l1", "nll"}), (True, False, {"l1"}), (False, False, set())])
    def test_what_a_depth_teaches(self, metric, measured, learnt):
        """Any depth its shape; one with a scale the scale; only a measured one how wrong the network is."""
        import torch

        from poc.training.losses import total_loss

        rng = torch.Generator().manual_seed(0)
        outputs = tuple(torch.rand(2, c, *size, generator=rng) for c, size in ((1, (24, 32)), (1, (24, 32)), (6, (48, 64))))
        batch = {
            "log_depth": torch.rand(2, 48, 64, generator=rng), "surface": torch.ones(2, 48, 64, dtype=torch.int64),
            "metric": torch.tensor([metric] * 2), "measured": torch.tensor([measured] * 2),
        }  # fmt: skip
        terms = total_loss(outputs, batch, torch.ones(6))
        assert {k for k in ("l1", "nll") if float(terms[k]) != 0} == learnt
        assert all(float(terms[k]) > 0 for k in ("si", "affine", "gradient", "surface"))

    def test_the_expected_error_is_learnt_without_moving_the_depth(self):
        import torch

        from poc.training.losses import laplace_nll

        error, log_scale = torch.full((1, 4, 4), 0.3, requires_grad=True), torch.zeros(1, 4, 4, requires_grad=True)
        loss = laplace_nll(error, log_scale, torch.ones(1, 4, 4))
        loss.backward()
        assert error.grad is None and float(log_scale.grad.abs().sum()) > 0
