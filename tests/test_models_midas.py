"""MiDaS v2.1 small: the official file's layout and numbers, without the official file.

`midas_small_keys.txt` lists the official checkpoint's names and shapes, and `midas_small_output.json` what the official
network (its own code, on the encoder library it was published with) puts out for the weights and the picture made here.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest

from poc.errors import ModelError
from poc.models.preprocess import cubic_input, network_size
from poc.models.presets import PRESETS
from poc.photo import photo_from_array

FIXTURES = Path(__file__).parent / "fixtures"
PRESET = PRESETS["midas-small"]
FILE = PRESET.weights_file


@pytest.mark.parametrize("photo,net", [
    ((640, 480), (256, 192)), ((480, 640), (192, 256)), ((4032, 3024), (256, 192)), ((500, 500), (256, 256)), ((100, 80), (256, 192)),
    ((3000, 2000), (256, 160)),  # 170.7 is nearer to 160 than to 192
    ((1920, 1080), (256, 128)),  # 144 is half way: the official code rounds halves to even, 4.5 → 4
    ((2000, 100), (256, 32)),
])
def test_size_fits_in_the_square_in_multiples_of_32(photo, net):
    assert network_size(*photo, PRESET) == net


def test_input_is_bicubic_and_normalised():
    rgb = np.zeros((192, 256, 3), np.uint8)
    rgb[...] = (255, 128, 0)
    image = cubic_input(rgb, (256, 192), PRESET)
    assert image.shape == (1, 3, 192, 256) and image.dtype == np.float32
    expected = (np.array([1.0, 128 / 255, 0.0]) - PRESET.mean) / PRESET.std
    np.testing.assert_allclose(image[0, :, 5, 7], expected, rtol=1e-5)
    ramp = np.repeat(np.arange(0, 256, dtype=np.uint8)[None, :, None], 192, 0).repeat(3, 2)
    half = cubic_input(ramp, (128, 96), PRESET)[0, 0] * PRESET.std[0] + PRESET.mean[0]
    np.testing.assert_allclose(half[50, 10], (2 * 10 + 0.5) / 255, atol=1e-4)  # extents aligned: half-pixel centres


# --- with torch ----------------------------------------------------------------------------------------------------


def _keys():
    lines = (FIXTURES / "midas_small_keys.txt").read_text().split("\n")
    pairs = (line.split(" ") for line in lines if line)
    return {key: () if shape == "scalar" else tuple(map(int, shape.split("x"))) for key, shape in pairs}


def _value(key, shape):
    """A weight that anybody can make again from its name."""
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    if key.endswith("num_batches_tracked"):
        return np.array(0)
    x = rng.standard_normal(shape).astype(np.float32)
    if len(shape) == 4:
        return x * np.float32(np.sqrt(2 / np.prod(shape[1:])))
    if key.endswith("running_var"):
        return 1 + 0.1 * np.abs(x)
    if key.endswith(("running_mean", "bias")):
        return 0.1 * x + np.float32(0.5 if key == "scratch.output_conv.4.bias" else 0)
    return 1 + 0.1 * x


@pytest.fixture(scope="module")
def torch():
    pytest.importorskip("timm", reason="the torch extra is not installed")
    return pytest.importorskip("torch", reason="the torch extra is not installed")


@pytest.fixture(scope="module")
def official(torch):
    """A state dict with the official checkpoint's names and shapes."""
    return {key: torch.from_numpy(np.asarray(_value(key, shape))) for key, shape in _keys().items()}


@pytest.fixture(scope="module")
def folder(torch, official, tmp_path_factory):
    """A weights folder with a file like the official one. Read only: the file is 85 MB."""
    folder = tmp_path_factory.mktemp("weights")
    torch.save(official, folder / FILE)
    return folder


@pytest.fixture
def unverified(monkeypatch):
    """The weights made here are not the official ones."""
    monkeypatch.setenv("POC_UNVERIFIED_WEIGHTS", "1")


@pytest.mark.torch
def test_names_and_shapes_are_the_official_ones(torch):
    from poc.models.midas_small_net import MidasSmallNet

    ours = {key: tuple(value.shape) for key, value in MidasSmallNet().state_dict().items()}
    assert ours == _keys() and len(ours) == 482
    counted = sum(int(np.prod(shape)) for key, shape in ours.items() if "running_" not in key and "num_batches" not in key)
    assert counted == PRESET.parameters


@pytest.mark.torch
def test_official_numbers_come_out(torch, folder):
    from poc.models.midas_small import load

    reference = json.loads((FIXTURES / "midas_small_output.json").read_text())
    y, x = np.mgrid[0:192, 0:256].astype(np.float32)
    picture = np.stack([np.sin(x / 17) + np.cos(y / 23), np.sin((x + y) / 31), np.cos(x / 11) * np.sin(y / 13)])[None]
    model = load(PRESET, folder / FILE, "made here")
    with torch.inference_mode():
        out = model.network(torch.from_numpy(picture.astype(np.float32)).to(model.device))[0, 0].cpu().numpy()
    assert out.shape == (192, 256)
    tolerance = 1e-4 * float(out.max())
    for row, column, value in reference["output"]:
        assert float(out[row, column]) == pytest.approx(value, abs=tolerance)
    assert out.mean() == pytest.approx(reference["mean"], rel=1e-4) and out.std() == pytest.approx(reference["std"], rel=1e-4)


@pytest.mark.torch
def test_photo_to_depth_map(torch, folder, unverified):
    from poc.depth import estimate_depth

    rgb = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    depth = estimate_depth(photo_from_array(rgb, f_px=300.0), model="midas-small", weights_dir=folder)
    assert depth.values.shape == (300, 400) and depth.values.dtype == np.float32 and depth.kind == "relative_inverse"
    assert depth.valid.all() and depth.f_px is None and depth.sigma_log is None
    assert depth.engine.startswith("torch") and depth.weights.endswith("(unverified)")


@pytest.mark.torch
@pytest.mark.parametrize("make,words", [
    (lambda torch, state, path: path.write_bytes(b"PK\x03\x04 cut short"), "damaged or not a torch checkpoint"),
    (lambda torch, state, path: torch.save([1, 2], path), "does not hold a table of tensors"),
    (lambda torch, state, path: torch.save({"a": torch.zeros(1)}, path), "not a MiDaS v2.1 small checkpoint"),
    (lambda torch, state, path: torch.save({**state, "scratch.layer1_rn.weight": torch.zeros(1)}, path), "layer1_rn"),
])
def test_damaged_checkpoints_are_one_line(torch, official, tmp_path, unverified, make, words):
    from poc.models import load_model

    make(torch, official, tmp_path / FILE)
    with pytest.raises(ModelError, match=words) as caught:
        load_model("midas-small", tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.torch
def test_a_checkpoint_that_holds_code_is_refused(torch, tmp_path, unverified):
    """Unpickling must not run anything: a pickle that would touch a file leaves no file."""
    from poc.models import load_model

    class Touch:
        def __reduce__(self):
            return (open, (str(tmp_path / "touched"), "w"))

    torch.save({"a": Touch()}, tmp_path / FILE)
    with pytest.raises(ModelError, match="damaged or not a torch checkpoint"):
        load_model("midas-small", tmp_path)
    assert not (tmp_path / "touched").exists()


@pytest.mark.torch
def test_training_checkpoint_keeps_weights_one_level_down(torch, tmp_path):
    from poc.models.midas_small import read_checkpoint

    torch.save({"optimizer": {}, "model": {"a": torch.zeros(2)}}, tmp_path / FILE)
    assert list(read_checkpoint(tmp_path / FILE)) == ["a"]


def test_without_torch_the_line_says_so_before_anything_is_fetched(tmp_path, monkeypatch):
    import sys

    from poc.models import load_model, runtime
    from poc.models.runtime import TorchMissing

    monkeypatch.setattr("poc.models.obtain_weights", lambda *a: pytest.fail("fetched"))
    for missing in ("timm", "torch"):  # where both are, it is torch that is told of
        monkeypatch.setitem(sys.modules, missing, None)
        runtime.torch_device.cache_clear()
        with pytest.raises(TorchMissing, match=f"^midas-small needs {missing}, which is not installed: run `make torch`"):
            load_model("midas-small", tmp_path)
    runtime.torch_device.cache_clear()
