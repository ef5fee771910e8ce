"""A network from a file, to be trained on: the shipped one, one from before attention, and what is neither (torch)."""

import json

import numpy as np
import pytest

from poc.errors import DataError
from tests.data_folder import short_run, write_folder


@pytest.mark.torch
class TestWithTorch:
    @pytest.fixture(autouse=True)
    def _torch(self):
        pytest.importorskip("torch")

    def test_the_shipped_file_can_be_trained_on(self, tmp_path):
        """Restored, it answers as the file does; a step of fine-tuning with frozen norms does not throw it off."""
        pytest.importorskip("onnx")
        import onnxruntime
        import torch

        from poc.models.embedded_net import EmbeddedNet
        from poc.models.weights import SHIPPED, read_sidecar
        from poc.training.export import export_run
        from poc.training.loop import finetune_config, train
        from poc.training.restore import load_onnx, measure_norms

        shipped = SHIPPED / "embedded.onnx"
        net = load_onnx(EmbeddedNet(), shipped)
        image = np.random.default_rng(0).random((1, 3, 96, 128), np.float32)
        session = onnxruntime.InferenceSession(str(shipped), providers=["CPUExecutionProvider"])
        with torch.no_grad():
            answers = net(torch.from_numpy(image))
        for got, want in zip(answers, session.run(None, {"image": image})):
            assert np.abs(got.numpy() - want).max() < 1e-3
        seen = torch.nn.functional.interpolate(torch.rand(4, 3, 6, 8), size=(96, 128), mode="bilinear")
        with torch.no_grad():
            before = net(seen)
            measured = load_onnx(EmbeddedNet(), shipped)
            measure_norms(measured, [seen, seen.flip(3)])
            for got, want in zip(measured(seen), before):
                assert (got - want).abs().max() < 1e-3, "statistics alone change no answer"
            moved = (measured.train()(seen)[0] - before[0]).abs().mean()
        assert measured.fuse[3].reduce[1].running_var.std() > 0.01 and moved < 0.1, "nor much where they are a batch's"
        write_folder(tmp_path / "data")
        config = finetune_config(short_run(tmp_path), str(shipped), epochs=1, lr=1e-4)
        checkpoint = train(config)
        facts = json.loads(export_run(checkpoint, tmp_path / "m.onnx", config, calibrate=False).with_suffix(".json").read_text())
        for name in ("sigma_scale", "far_log"):
            assert facts[name] == read_sidecar(shipped)[name], "nothing was calibrated: what was shipped stays"
        begun, known = facts["started_from"], read_sidecar(shipped)
        assert facts["trained_on"] == {"data": 1.0} and begun["file"] == "embedded.onnx"
        assert {key: begun[key] for key in ("sha256", "version", "trained_on", "licence")} == {key: known[key] for key in ("sha256", "version", "trained_on", "licence")}
        moved = torch.load(checkpoint, weights_only=True)["net"]
        key = "fuse.3.reduce.1.running_var"
        assert torch.equal(moved[key], net.state_dict()[key]), "statistics moved"
        assert not torch.equal(moved["depth.weight"], net.state_dict()["depth.weight"]), "nothing was learnt"

    def test_a_file_from_before_attention_is_gone_on_from(self, tmp_path):
        """Its weights fill the rest; attention starts as the identity, in training too, and learns. Nothing else is let through."""
        pytest.importorskip("onnx")
        import torch

        from poc.models.embedded_net import EmbeddedNet
        from poc.training.export import to_onnx
        from poc.training.networks import new_network

        before = new_network(None, "convolutional").eval()
        path = tmp_path / "before.onnx"
        path.write_bytes(to_onnx(before))
        net = new_network(str(path))
        image = torch.rand(2, 3, 64, 96)
        with torch.no_grad():
            for got, want in zip(net.eval()(image), before(image)):
                assert (got - want).abs().max() < 2e-2 * want.abs().max()  # float16 weights
        looks = [*net.context[1:], *net.looks]
        x = torch.rand(2, 256, 4, 5)
        assert len(looks) == 5 and torch.equal(net.train().context[1](x), x)
        net(image)[0].square().mean().backward()
        assert all(look.join[1].weight.grad.abs().max() > 0 for look in looks)
        path.write_bytes(to_onnx(EmbeddedNet(width=(128, 160, 96, 64, 32), looks=(0, 0))))
        with pytest.raises(DataError, match="holds another network than this version trains"):
            new_network(str(path))

    def test_attention_that_has_not_learnt_looks_at_many_cells(self):
        """On features as large as a trained network's: norms that only answer as before would leave each cell looking at one."""
        import torch

        from poc.models.embedded_net import Attention
        from poc.training.restore import measure_norms, prepare_norms

        rng = torch.Generator().manual_seed(0)
        x = 5 * torch.randn(4, 64, 6, 8, generator=rng) + 20 * torch.randn(1, 64, 1, 1, generator=rng)

        def most(prepare):
            torch.manual_seed(0)
            look = Attention(64).eval()
            prepare(torch.nn.Sequential(look), [x])
            with torch.no_grad():
                assert torch.equal(look(x), x), "no answer is changed"
                q, k, _ = look.qkv(x).reshape(4, 8, -1, 48).split((16, 16, 8), dim=2)
                return float((q.transpose(2, 3) @ k / 4).softmax(3).amax(3).mean())

        assert most(measure_norms) > 0.5 > 0.25 > most(prepare_norms)

    def test_a_file_that_holds_another_network(self, tmp_path):
        pytest.importorskip("onnx")
        from poc.models.embedded_net import EmbeddedNet
        from poc.training.restore import load_onnx

        (tmp_path / "x.onnx").write_bytes(b"\xff nothing")
        with pytest.raises(DataError, match="cannot be read as an ONNX file"):
            load_onnx(EmbeddedNet(), tmp_path / "x.onnx")

    def test_what_a_run_started_from_is_told_as_far_as_it_is_known(self, tmp_path):
        """Of a checkpoint by the record beside it, without its place; of what lies alone, its name."""
        from poc.training.export import started_from
        from poc.training.record import digest_of

        (tmp_path / "last.pt").write_bytes(b"weights")
        assert started_from(None) == {} and started_from("gone.npz") == {"file": "gone.npz"}
        begun = started_from(str(tmp_path / "last.pt"))
        assert begun == {"file": "last.pt", "sha256": digest_of(tmp_path / "last.pt")}
        sources = [{"folder": "/here/rooms", "weight": 3.0}, {"folder": "/there/flats", "weight": 1.0}]
        (tmp_path / "config.json").write_text(json.dumps({"sources": sources, "photos": [], "init": "/there/embedded.onnx"}))
        known = {"trained_on": {"rooms": 0.75, "flats": 0.25}, "started_from": {"file": "embedded.onnx"}}
        assert started_from(str(tmp_path / "last.pt")) == begun | known
        (tmp_path / "config.json").write_text(json.dumps({"sources": [{"folder": "rooms", "weight": 0.0}], "photos": []}))
        assert started_from(str(tmp_path / "last.pt")) == begun | {"trained_on": {}}
        (tmp_path / "config.json").write_text("[]")
        assert started_from(str(tmp_path / "last.pt")) == begun

    @pytest.mark.parametrize("content", [b"nothing", b"eleven photos\nof rooms", b"", b"\xff\xd8\xff\xe0 JFIF", b"PK\x03\x04 torn"])
    def test_a_file_that_is_no_checkpoint(self, tmp_path, capsys, content):
        """One line that names it and says what to give, whoever asks."""
        from poc import cli

        write_folder(tmp_path / "data", n=4)
        wrong = tmp_path / "text.jpg"
        wrong.write_bytes(content)
        asked = (["label-photos", tmp_path / "data" / "rgb", "--teacher", wrong], *(["train", "--data", tmp_path / "data", name, wrong] for name in ("--init", "--teacher")))
        for command in asked:
            assert cli.run([*map(str, command), "--out", str(tmp_path / "out")]) == 2
            out, err = capsys.readouterr()
            assert out == "" and err.count("\n") == 1 and err.startswith(f"poc: {wrong}: is damaged, or not a checkpoint")
            assert "give a last.pt that `poc train` wrote" in err and not (tmp_path / "out").exists()

    def test_what_was_saved_by_something_else_is_no_checkpoint(self, tmp_path):
        import torch

        from poc.training.networks import load_checkpoint

        for saved in ([1, 2], {"weights": 1}, {"average": 3}):
            torch.save(saved, tmp_path / "x.pt")
            with pytest.raises(DataError, match="x.pt: is not a checkpoint of `poc train`"):
                load_checkpoint(tmp_path / "x.pt")
        with pytest.raises(DataError, match="none.pt: cannot be read .No such file or directory.: give a last.pt"):
            load_checkpoint(tmp_path / "none.pt")
