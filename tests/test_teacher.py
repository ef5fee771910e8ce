"""Self-training: the larger teacher network, and photos labelled by a teacher (torch)."""

import numpy as np
import pytest

from poc.errors import DataError
from tests.data_folder import load_all, short_run, write_folder


def resnet_arrays() -> dict[str, np.ndarray]:
    """Random arrays with the names and shapes of the ONNX model zoo's ResNet-50 v2, its first three stages."""
    rng, out = np.random.default_rng(0), {}

    def norm(name: str, c: int) -> None:
        for part, low, high in (("gamma", 0.5, 1.5), ("beta", -0.5, 0.5), ("running_mean", -0.5, 0.5), ("running_var", 0.5, 1.5)):
            out[f"resnetv24_{name}_{part}"] = rng.uniform(low, high, c).astype(np.float32)

    def conv(name: str, *shape: int) -> None:
        out[f"resnetv24_{name}_weight"] = (rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float16)

    norm("batchnorm0", 3)
    conv("conv0", 64, 3, 7, 7)
    norm("batchnorm1", 64)
    c = 64
    for stage, (units, inner, channels) in enumerate(((3, 64, 256), (4, 128, 512), (6, 256, 1024)), 1):
        k = 0
        for unit in range(units):
            for n, width in enumerate((c, inner, inner)):
                norm(f"stage{stage}_batchnorm{3 * unit + n}", width)
            for shape in ((inner, c, 1, 1), (inner, inner, 3, 3), (channels, inner, 1, 1), *[(channels, c, 1, 1)] * (unit == 0)):
                conv(f"stage{stage}_conv{k}", *shape)
                k += 1
            c = channels
    norm("stage4_batchnorm0", 1024)
    return out


def resnet_by_the_book(image, arrays: dict[str, np.ndarray]):
    """Stages 1 to 3 with every norm by itself and before its convolution (He et al. 2016); the normalised end of stage 3."""
    import torch
    import torch.nn.functional as F

    def get(name: str):
        return torch.from_numpy(arrays[f"resnetv24_{name}"].astype(np.float32))

    def act(x, name: str):
        return F.relu(F.batch_norm(x, *(get(f"{name}_{p}") for p in ("running_mean", "running_var", "gamma", "beta"))))

    x = F.batch_norm(image, get("batchnorm0_running_mean"), get("batchnorm0_running_var"))
    x = F.max_pool2d(act(F.conv2d(x, get("conv0_weight"), stride=2, padding=3), "batchnorm1"), 3, 2, 1)
    for stage, units in enumerate((3, 4, 6), 1):
        k = 0
        for unit in range(units):
            stride = 2 if stage > 1 and unit == 0 else 1
            first = y = act(x, f"stage{stage}_batchnorm{3 * unit}")
            for n, (step, padding) in enumerate(((1, 0), (stride, 1), (1, 0))):
                y = act(y, f"stage{stage}_batchnorm{3 * unit + n}") if n else y
                y = F.conv2d(y, get(f"stage{stage}_conv{k}_weight"), stride=step, padding=padding)
                k += 1
            if unit == 0:
                x = F.conv2d(first, get(f"stage{stage}_conv{k}_weight"), stride=stride)
                k += 1
            x = x + y
    return act(x, "stage4_batchnorm0")


@pytest.mark.torch
class TestTeacher:
    @pytest.fixture(autouse=True)
    def _torch(self):
        pytest.importorskip("torch")

    def test_photos_are_labelled_into_a_data_folder(self, tmp_path):
        import torch

        from poc.models.embedded_net import EmbeddedNet
        from poc.models.weights import SHIPPED
        from poc.training.pseudo import label_photos
        from poc.training.restore import load_onnx

        torch.save({"average": load_onnx(EmbeddedNet(), SHIPPED / "embedded.onnx").state_dict()}, tmp_path / "teacher.pt")
        photo = SHIPPED.parent / "photos" / "rgb" / "bedroom.jpg"
        out = label_photos(tmp_path / "teacher.pt", [photo], tmp_path / "labelled")
        (loaded,) = load_all(out)
        assert not loaded.frame.metric and (loaded.depth_m > 0).all()
        floor, ceiling = (np.nonzero(loaded.surface == c)[0] for c in (1, 3))
        assert len(floor) > 1000 and (len(ceiling) == 0 or floor.mean() > ceiling.mean())

    def test_a_photo_that_cannot_be_read_is_left_out_aloud(self, tmp_path, capsys):
        """Each in a line, and how many in all; photos to train on are refused by name instead."""
        import torch

        from poc import cli
        from poc.models.embedded_net import EmbeddedNet
        from poc.models.weights import SHIPPED
        from poc.training.restore import load_onnx

        teacher, photos = tmp_path / "teacher.pt", tmp_path / "photos"
        torch.save({"average": load_onnx(EmbeddedNet(), SHIPPED / "embedded.onnx").state_dict()}, teacher)
        photos.mkdir()
        whole = (SHIPPED.parent / "photos" / "rgb" / "bedroom.jpg").read_bytes()
        for name, content in (("a", whole[:3000]), ("b", whole), ("c", b"no photo")):
            (photos / f"{name}.jpg").write_bytes(content)
        command = ["label-photos", photos, "--teacher", teacher, "--out"]
        assert cli.run([*map(str, command), str(tmp_path / "labelled")]) == 0
        out, err = capsys.readouterr()
        first, second, last = err.splitlines()
        assert first.startswith(f"skipped: {photos / 'a.jpg'}: cannot be read") and second.startswith(f"skipped: {photos / 'c.jpg'}: cannot be read")
        assert last == "2 of 3 photos could not be read and were skipped; 1 was labelled"
        assert out.strip() == str(tmp_path / "labelled") and [f.frame.name for f in load_all(tmp_path / "labelled")] == ["b"]
        write_folder(tmp_path / "data", n=4)
        for option in ("--photos", "--not-rooms"):
            assert cli.run(["train", "--data", str(tmp_path / "data"), option, str(photos), "--out", str(tmp_path / "out"), "--epochs", "1"]) == 2
            assert capsys.readouterr().err.startswith(f"poc: {photos / 'a.jpg'}: cannot be read")
        (photos / "b.jpg").unlink()
        assert cli.run([*map(str, command), str(tmp_path / "none")]) == 2
        assert capsys.readouterr().err.splitlines()[-1] == f"poc: {tmp_path / 'none'}: none of the 2 photos could be read"

    def test_the_teachers_scale_is_passed_on(self, tmp_path):
        """What a student is taught at the canonical focal length is what the teacher says there."""
        import cv2
        import torch

        from poc.models.embedded_net import EmbeddedNet
        from poc.models.weights import SHIPPED
        from poc.training.augment import CANONICAL_FOCAL_PX
        from poc.training.pseudo import label_photos, teach
        from poc.training.restore import load_onnx
        from poc.training.score import network_size

        net = load_onnx(EmbeddedNet(), SHIPPED / "embedded.onnx")
        torch.save({"average": net.state_dict()}, tmp_path / "teacher.pt")
        photo = SHIPPED.parent / "photos" / "rgb" / "bedroom.jpg"
        (loaded,) = load_all(label_photos(tmp_path / "teacher.pt", [photo], tmp_path / "labelled", with_scale=True))
        h, w = loaded.depth_m.shape
        taught = np.log(loaded.depth_m * CANONICAL_FOCAL_PX / (loaded.frame.fx * network_size(w, h)[0] / w))
        said, _ = teach(net, cv2.imread(str(photo))[:, :, ::-1])
        assert loaded.frame.metric and not loaded.frame.measured and np.abs(taught - cv2.resize(said, (w, h))).max() < 0.01

    def test_the_teacher_starts_from_imagenet_and_is_trained_and_read_back(self, tmp_path):
        """Its folded encoder against the stored arrays run as He et al. wrote them; a run of it, and its checkpoint."""
        import torch

        from poc.errors import ParameterError
        from poc.training.loop import train
        from poc.training.networks import load_checkpoint, new_network
        from poc.training.teacher_net import TeacherNet

        arrays = resnet_arrays()
        np.savez(tmp_path / "resnet.npz", **arrays)
        net = new_network(str(tmp_path / "resnet.npz"), "teacher").eval()
        image = torch.rand(1, 3, 64, 96)
        with torch.no_grad():
            features = net.encoder(image)
            assert [tuple(f.shape[1:]) for f in features] == [(64, 32, 48), (256, 16, 24), (512, 8, 12), (1024, 4, 6), (1024, 2, 3)]
            assert torch.allclose(features[3], resnet_by_the_book(image, arrays), atol=1e-4)
            assert net(image)[0].shape == (1, 1, 32, 48) and net(image)[2].shape == (1, 6, 64, 96)
        write_folder(tmp_path / "data")
        checkpoint = train(short_run(tmp_path, network="teacher", init=str(tmp_path / "resnet.npz"), epochs=1))
        assert isinstance(load_checkpoint(checkpoint), TeacherNet)
        with pytest.raises(DataError, match="of another network"):
            new_network(str(checkpoint))
        with pytest.raises(ParameterError, match="there are embedded, convolutional, looking once, teacher"):
            new_network(None, "large")
        del arrays["resnetv24_stage2_conv0_weight"]
        np.savez(tmp_path / "part.npz", **arrays)
        with pytest.raises(DataError, match="no resnetv24_stage2_conv0_weight"):
            new_network(str(tmp_path / "part.npz"), "teacher")

    def test_a_checkpoint_from_before_attention_is_read(self, tmp_path):
        import torch

        from poc.training.networks import load_checkpoint, new_network

        net = new_network(None, "convolutional").eval()
        old = {key.replace("context.0.", "context."): value for key, value in net.state_dict().items()}
        torch.save({"network": "embedded", "average": old}, tmp_path / "old.pt")
        image = torch.rand(1, 3, 64, 96)
        with torch.no_grad():
            assert torch.equal(load_checkpoint(tmp_path / "old.pt")(image)[0], net(image)[0])

    def test_photos_without_depth_are_labelled_while_learning(self, tmp_path):
        """By the averaged weights once they have learnt enough, and by teachers from the start."""
        from poc.training.loop import train
        from poc.training.store import Source

        write_folder(tmp_path / "data")
        photos = (Source(str(tmp_path / "data" / "rgb")),)
        alone, taught = [], []
        checkpoint = train(short_run(tmp_path, photos=photos, alone=0.5), alone.append)
        assert ["taught_depth" in record for record in alone] == [False, False, True, True]
        train(short_run(tmp_path, out=str(tmp_path / "student"), epochs=1, photos=photos, teachers=(str(checkpoint),)), taught.append)
        lesson = taught[0]["taught_depth"] + 0.5 * taught[0]["taught_surface"]
        assert taught[0]["taught_depth"] > 0 and taught[0]["total"] > lesson + 0.2 * taught[0]["l1"], "what is labelled is learnt too"
        with pytest.raises(DataError, match="no .jpg or .png photo"):
            train(short_run(tmp_path, out=str(tmp_path / "none"), photos=(Source(str(tmp_path / "out")),)))

    def test_a_share_that_is_none(self):
        from poc.cli_data import source
        from poc.errors import ParameterError

        assert (source("a=b").folder, source("rooms=0.25").weight) == ("a=b", 0.25)
        for weight in ("0", "-1", "inf", "nan"):
            with pytest.raises(ParameterError, match=f"--photos rooms={weight}: the weight must be a positive number"):
                source(f"rooms={weight}", "--photos")

    def test_the_same_answer_teaches_nothing_more(self):
        import torch

        from poc.training.distil import Lesson, distillation_loss

        rng = torch.Generator().manual_seed(0)
        log_depth, logits = torch.rand(2, 1, 24, 32, generator=rng), torch.randn(2, 6, 48, 64, generator=rng)
        lesson = Lesson(log_depth[:, 0], logits.softmax(1))
        same = distillation_loss((log_depth, log_depth, logits), lesson)
        other = distillation_loss((log_depth + 0.1, log_depth, logits.roll(1, 1)), lesson)
        assert same["taught_surface"].abs() < 1e-6 and same["total"] < 2e-3
        assert other["taught_depth"] > 0.1 and other["taught_surface"] > 0.1

    def test_teachers_answer_as_one(self):
        """The mean of what they say, every second one about the mirror image; what they see smaller is told as it is, not as far away."""
        import torch

        from poc.training.distil import ask

        class Said(torch.nn.Module):
            """Says that a pixel's log depth is its grey, less the log of the photo's width, and its surface by its grey too."""

            def __init__(self, more):
                super().__init__()
                self.more = more

            def features(self, image):
                return image

            def heads(self, x, image):
                seen = torch.nn.functional.avg_pool2d(x[:, :1], 2) + self.more - np.log(image.shape[-1])
                return seen, seen, torch.cat([image, -image], 1)

        ramp = torch.linspace(0, 1, 64).expand(1, 3, 48, 64).contiguous()
        first, both = ask([Said(0.0)], ramp), ask([Said(0.0), Said(0.2)], ramp)
        assert torch.allclose(both.log_depth, first.log_depth + 0.1, atol=1e-5) and torch.allclose(both.surface, first.surface, atol=1e-5)
        assert first.surface.std(3).max() > 0.03, "surfaces do not tell left from right"
        smaller = ask([Said(0.0)], ramp, 32)
        assert smaller.log_depth.shape == (1, 24, 32) and smaller.surface.shape == (1, 6, 48, 64)
        assert (smaller.log_depth - first.log_depth).abs().max() < 0.05
