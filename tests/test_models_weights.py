"""Finding, fetching and verifying weights, against a server on this machine that can break off, ignore ranges and lie."""

import errno
import hashlib
import http.server
import shutil
import threading
from dataclasses import replace

import pytest

from poc.errors import ModelError, WriteError
from poc.models import fetch, list_presets, load_model
from poc.models.presets import PRESETS, get_preset
from poc.models.weights import fetch_weights, find_weights, obtain_weights, own_folder, verify_weights

CONTENT = bytes(range(256)) * 4000  # 1 MB
SHA256 = hashlib.sha256(CONTENT).hexdigest()
GIT_BLOB = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest()
FILE = "midas_v21_small_256.pt"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """No test may see, or write to, the user's real folders."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("poc.models.weights.cache_folder", lambda: tmp_path / "cache" / "poc" / "weights")
    for name in ("POC_WEIGHTS", "POC_UNVERIFIED_WEIGHTS", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


class Server:
    """Serves CONTENT. cut_at: send no byte beyond this one, once. ranges: honour Range. status: answer only with this."""

    def __init__(self):
        self.cut_at, self.ranges, self.status, self.content, self.asked = None, True, None, CONTENT, []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802 - the name the standard library calls
                server.answer(self)

            def log_message(self, *args):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/{FILE}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, handler):
        asked = handler.headers.get("Range")
        self.asked.append(asked)
        if self.status:
            handler.send_error(self.status)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges else 0
        if start >= len(self.content):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(self.content)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        handler.send_header("Content-Length", str(len(self.content) - start))
        handler.end_headers()
        stop, self.cut_at = self.cut_at, None
        handler.wfile.write(self.content[start:stop])


@pytest.fixture
def server():
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture
def preset(server):
    """MiDaS small, but the file is the server's megabyte."""
    return replace(PRESETS["midas-small"], url=server.url, sha256=SHA256[:8], git_blob="")


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


# --- fetch ---------------------------------------------------------------------------------------------------------


def test_fetch_is_whole_verified_and_leaves_no_part(preset, server, tmp_path, capsys):
    path, identity = obtain_weights(preset, tmp_path / "new" / "folder")
    assert path.read_bytes() == CONTENT and _names(path.parent) == [FILE]
    assert identity == f"{FILE} sha256:{SHA256}"
    assert FILE in capsys.readouterr().err  # the progress bar
    obtain_weights(preset, tmp_path / "new" / "folder")
    assert len(server.asked) == 1


def test_a_broken_download_goes_on_where_it_stopped(preset, server, tmp_path):
    server.cut_at = 300_000
    path = fetch_weights(preset, tmp_path)
    assert path.read_bytes() == CONTENT and server.asked == [None, "bytes=300000-"]


def test_what_arrived_is_kept_for_the_next_run(preset, server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "TRIES", 1)
    server.cut_at = 300_000
    with pytest.raises(ModelError, match=r"stopped after 0.3 MB .*run again to go on") as caught:
        fetch_weights(preset, tmp_path)
    assert "\n" not in str(caught.value) and _names(tmp_path) == [FILE + ".part"]
    assert fetch_weights(preset, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-"] and _names(tmp_path) == [FILE]


def test_ctrl_c_keeps_what_arrived(preset, server, tmp_path, monkeypatch):
    written = []

    def interrupted(file, block):
        file.write(block)
        written.append(len(block))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(fetch, "_write_all", interrupted)
        fetch_weights(preset, tmp_path)
    assert (tmp_path / (FILE + ".part")).stat().st_size == sum(written) > 0
    assert fetch_weights(preset, tmp_path).read_bytes() == CONTENT
    assert server.asked[-1] == f"bytes={sum(written)}-"


def test_server_that_ignores_ranges(preset, server, tmp_path):
    server.ranges = False
    (tmp_path / (FILE + ".part")).write_bytes(b"x" * 1000)
    assert fetch_weights(preset, tmp_path).read_bytes() == CONTENT


def test_part_that_is_whole_already_and_part_of_another_file(preset, server, tmp_path):
    part = tmp_path / (FILE + ".part")
    part.write_bytes(CONTENT)
    assert fetch_weights(preset, tmp_path).read_bytes() == CONTENT
    (tmp_path / FILE).unlink()
    part.write_bytes(CONTENT + b"more")
    assert fetch_weights(preset, tmp_path).read_bytes() == CONTENT


def test_a_part_thrown_away_while_this_process_waited_is_begun_anew(preset, server, tmp_path, monkeypatch):
    part, lock = tmp_path / (FILE + ".part"), fetch._lock

    def waited(file):
        if not server.asked:
            monkeypatch.setattr(fetch, "_lock", lock)
            part.unlink()  # by the process that held the lock: what had come was wrong
        lock(file)

    monkeypatch.setattr(fetch, "_lock", waited)
    assert fetch_weights(preset, tmp_path).read_bytes() == CONTENT and _names(tmp_path) == [FILE]


def test_wrong_content_is_not_kept(preset, server, tmp_path):
    server.content = b"<html>please log in</html>" * 100
    with pytest.raises(ModelError, match=f"is not {FILE} .*{SHA256[:8]} expected") as caught:
        fetch_weights(preset, tmp_path)
    assert "\n" not in str(caught.value) and _names(tmp_path) == []


def test_a_download_is_verified_whatever_is_said_of_files_at_hand(preset, server, tmp_path, monkeypatch):
    monkeypatch.setenv("POC_UNVERIFIED_WEIGHTS", "1")
    server.content = b"<html>please log in</html>" * 100
    with pytest.raises(ModelError, match="is not"):
        fetch_weights(preset, tmp_path)


def test_a_weights_folder_that_is_not_there_is_said(preset, tmp_path, monkeypatch):
    """Else other weights than were meant would be used without a word."""
    monkeypatch.setenv("POC_WEIGHTS", str(tmp_path / "fintune"))
    with pytest.raises(ModelError, match="no such folder"):
        obtain_weights(get_preset("embedded"))


def test_a_weights_folder_with_the_file_under_another_name_is_said(tmp_path, monkeypatch):
    """One with no ONNX file at all holds another model's weights, and says nothing of this one's."""
    monkeypatch.setenv("POC_WEIGHTS", str(tmp_path))
    (tmp_path / FILE).write_bytes(CONTENT)
    (tmp_path / "last.pt").write_bytes(CONTENT)
    embedded = get_preset("embedded")
    path, _ = obtain_weights(embedded)
    assert path.parent != tmp_path
    for suffix in (".onnx", ".json"):
        shutil.copy(path.with_suffix(suffix), tmp_path / f"ours{suffix}")
    with pytest.raises(ModelError, match="which holds ours.onnx but no embedded.onnx: rename it to embedded.onnx, and the .json beside it to embedded.json, or unset POC_WEIGHTS") as caught:
        obtain_weights(embedded)
    assert "\n" not in str(caught.value) and obtain_weights(embedded, path.parent)[0] == path, "a folder that is given goes first"
    for suffix in (".onnx", ".json"):
        (tmp_path / f"ours{suffix}").rename(tmp_path / f"embedded{suffix}")
    assert obtain_weights(embedded)[0] == tmp_path / "embedded.onnx"


def test_a_wrong_weights_folder_is_said_of_a_model_that_is_loaded_already(tmp_path, monkeypatch):
    """As in a notebook's kernel, where the variable is set after the first cells have run."""
    monkeypatch.delenv("POC_WEIGHTS", raising=False)
    load_model("embedded")
    (tmp_path / "ours.onnx").write_bytes(b"")
    monkeypatch.setenv("POC_WEIGHTS", str(tmp_path))
    with pytest.raises(ModelError, match="which holds ours.onnx but no embedded.onnx"):
        load_model("embedded")


def test_another_models_weights_may_lie_beside_onnx_files(preset, server, tmp_path, monkeypatch):
    monkeypatch.setenv("POC_WEIGHTS", str(tmp_path))
    (tmp_path / "ours.onnx").write_bytes(b"")
    assert obtain_weights(preset)[0] == tmp_path / FILE and len(server.asked) == 1


@pytest.mark.parametrize("status", [404, 503])
def test_refused_by_the_server(preset, server, tmp_path, status):
    server.status = status
    with pytest.raises(ModelError, match="isl-org/MiDaS, release v2_1"):
        fetch_weights(preset, tmp_path)
    assert _names(tmp_path) == []


def test_offline_names_the_file_where_to_get_it_and_where_to_put_it(tmp_path):
    preset = replace(PRESETS["midas-small"], url="http://127.0.0.1:9/x.pt")
    with pytest.raises(ModelError) as caught:
        obtain_weights(preset, tmp_path)
    text = str(caught.value)
    for word in (FILE, "isl-org/MiDaS, release v2_1", str(tmp_path), "could not be fetched"):
        assert word in text
    assert "\n" not in text and _names(tmp_path) == []


def test_full_disk_gives_its_space_back(preset, tmp_path, monkeypatch):
    def full(file, block):
        file.write(block[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetch, "_write_all", full)
    with pytest.raises(WriteError, match="No space left"):
        fetch_weights(preset, tmp_path)
    assert _names(tmp_path) == []


def test_folder_that_is_a_file(preset, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError, match="POC_WEIGHTS"):
        fetch_weights(preset, tmp_path / "file")


# --- find and verify -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [FILE, "model-small-70d6b9c8.pt", "midas_v21_small-70d6b9c8.pt"])
def test_found_under_every_known_name(preset, server, tmp_path, name):
    (tmp_path / name).write_bytes(CONTENT)
    path, identity = obtain_weights(preset, tmp_path)
    assert path == tmp_path / name and SHA256 in identity and server.asked == []


def test_order_of_folders(preset, tmp_path, monkeypatch):
    given, env = tmp_path / "given", tmp_path / "env"
    monkeypatch.setenv("POC_WEIGHTS", str(env))
    assert own_folder() == env and own_folder(given) == given and find_weights(preset, given) is None
    for folder in (tmp_path / "torch" / "hub" / "checkpoints", tmp_path / "cache" / "poc" / "weights", env, given):
        folder.mkdir(parents=True)
        (folder / FILE).write_bytes(CONTENT)
        assert find_weights(preset, given) == folder / FILE
    assert find_weights(preset) == env / FILE


def test_verify_by_prefix_or_by_git_blob(preset, tmp_path, monkeypatch):
    path = tmp_path / FILE
    path.write_bytes(CONTENT)
    assert SHA256 in verify_weights(preset, path)
    assert SHA256 in verify_weights(replace(preset, sha256="0000", git_blob=GIT_BLOB), path)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(ModelError, match=f"{SHA256[:8]} expected.*delete it"):
        verify_weights(preset, path)
    monkeypatch.setenv("POC_UNVERIFIED_WEIGHTS", "1")
    assert verify_weights(preset, path).endswith("(unverified)")


def test_shipped_weights_cannot_be_fetched(tmp_path):
    with pytest.raises(ModelError, match="restore it"):
        fetch_weights(PRESETS["embedded"], tmp_path)


# --- the table -----------------------------------------------------------------------------------------------------


def test_unknown_model_gets_the_nearest_name():
    assert get_preset("midas-small").kind == "relative_inverse"
    for typed, meant in (("midas_small", "midas-small"), ("MiDaS-smal", "midas-small"), ("embeded", "embedded")):
        with pytest.raises(ModelError, match=f"did you mean {meant}"):
            get_preset(typed)
    with pytest.raises(ModelError, match="there are embedded, midas-small"):
        get_preset("zzz")


def test_list_presets(preset, tmp_path):
    rows = {row.name: row for row in list_presets(tmp_path)}
    assert set(rows) == set(PRESETS)
    midas = rows["midas-small"]
    assert not midas.here and midas.where == str(tmp_path / FILE) and midas.licence == "MIT" and midas.parameters == 21_320_545
    (tmp_path / FILE).write_bytes(CONTENT)
    found = next(row for row in list_presets(tmp_path) if row.name == "midas-small")
    assert found.here and found.size_mb == 1.0, "millions of bytes, as the model card and the README count"
    embedded = find_weights(PRESETS["embedded"])
    assert rows["embedded"].size_mb == round(embedded.stat().st_size / 1e6, 1)
    assert f"| size on disk | {rows['embedded'].size_mb} MB |" in (embedded.parent / "MODEL_CARD.md").read_text("utf-8")
