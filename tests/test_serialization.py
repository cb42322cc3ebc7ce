"""Files: what they hold, that others can read them, that damage is found, and that a failing write harms nothing."""

import errno
import json
import os
import stat
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

import fastprop as fp
from fastprop import serialization

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((30, 4)), rng.integers(0, 3, 30)
MODELS = {
    "float32": fp.mlp(4, 5, 3, activation="tanh", output="softmax", seed=3),
    "float64": fp.mlp(4, 5, 3, activation="tanh", output="softmax", dtype="float64", seed=2**63),
    "every kind of layer": fp.Sequential(
        [
            fp.Dense(3, "relu", use_bias=False, kernel_initializer="zeros"),
            fp.Dense(4),
            fp.Dense(2, "sigmoid", bias_initializer="he_uniform"),
            fp.Dense(5, "softmax", kernel_initializer="glorot_uniform"),
            fp.Dense(1, "tanh"),
        ],
        n_inputs=4,
    ),
}


def trained() -> fp.Trainer:
    trainer = fp.Trainer(
        fp.mlp(4, 5, 3, output="softmax", seed=3), "cross_entropy", fp.SGD(0.1, momentum=0.9), ["accuracy"]
    )
    trainer.fit(X, Y, epochs=2, batch_size=8, progress=False)
    return trainer


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    trained().model.save(path)
    return path


@pytest.fixture(scope="module")
def trainer_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("trainer") / "trainer.safetensors"
    trained().save(path)
    return path


# What a file holds


def test_a_state_dict_has_pytorchs_names_and_layout():
    """(n_out, n_in), and an index that counts the activations as modules of their own, identity not."""
    model = MODELS["every kind of layer"]
    state = model.state_dict()
    assert {name: array.shape for name, array in state.items()} == {
        "0.weight": (3, 4),
        "2.weight": (4, 3),
        "2.bias": (4,),
        "3.weight": (2, 4),
        "3.bias": (2,),
        "5.weight": (5, 2),
        "5.bias": (5,),
        "7.weight": (1, 5),
        "7.bias": (1,),
    }
    assert np.array_equal(state["3.weight"], model.layers[2].W.T)
    assert all(array.flags.c_contiguous and array.dtype == np.float32 for array in state.values())
    assert not any(np.shares_memory(array, model.theta) for array in state.values())


def test_a_state_dict_comes_back():
    """Into a network of the same layers, from arrays of any type and order."""
    model = MODELS["every kind of layer"]
    for convert in (np.asarray, np.asfortranarray, np.ndarray.tolist, lambda a: a.astype(np.float64)):
        twin = fp.Sequential([layer.description for layer in model.layers], n_inputs=4, seed=99)
        twin.load_state_dict({name: convert(array) for name, array in model.state_dict().items()})
        assert twin.theta.tobytes() == model.theta.tobytes()


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_network_comes_back_from_its_file(model, tmp_path):
    """Layers, type, seed and every bit of the parameters; from a str as from a Path."""
    path = tmp_path / "a model.safetensors"
    model.theta[:3] = -0.0, 1e-40, 3e38  # minus zero, a subnormal, nearly the largest
    model.save(path)
    for twin in (fp.load(path), fp.load(str(path))):
        assert repr(twin) == repr(model)
        assert twin.dtype == model.dtype
        assert twin.theta.tobytes() == model.theta.tobytes()
        assert [layer.description for layer in twin.layers] == [layer.description for layer in model.layers]
        twin.predict(X)


@pytest.mark.parametrize(
    "loss", [fp.MSE(), fp.BinaryCrossEntropy(), fp.CrossEntropy(from_logits=True), fp.BinaryCrossEntropy(True)], ids=str
)
def test_a_trainer_comes_back_from_its_file(loss, tmp_path):
    """Loss, optimizer, metrics, seed, counters and history; nan in a history too."""
    last = "sigmoid" if loss == fp.BinaryCrossEntropy() else "identity"
    optimizer = fp.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=1e-4)
    trainer = fp.Trainer(fp.mlp(4, 3, output=last), loss, optimizer, ["mae", "accuracy"], seed=12345678901234567890)
    y = np.eye(3)[Y]
    trainer.fit(X, y, batch_size=8, progress=False)
    trainer.fit(X, y, batch_size=8, progress=False, validation_split=0.2)
    trainer.save(tmp_path / "t.safetensors")
    twin = fp.Trainer.resume(str(tmp_path / "t.safetensors"))
    assert (twin.loss, twin.optimizer, twin.metrics, twin.seed) == (loss, optimizer, trainer.metrics, trainer.seed)
    assert (twin.epoch, twin.step) == (2, 4 + 3)
    assert repr(dict(twin.history)) == repr(dict(trainer.history))
    assert twin.model.theta.tobytes() == trainer.model.theta.tobytes()


def test_the_safetensors_library_reads_what_is_written(model_file, trainer_file):
    """The tensors under PyTorch's names; the optimizer's state beside them in a trainer's."""
    state = trained().model.state_dict()
    found = load_file(model_file)
    assert found.keys() == state.keys()
    assert all(np.array_equal(found[name], state[name]) and found[name].dtype == np.float32 for name in state)
    assert load_file(trainer_file).keys() == {*state, "optimizer.velocity"}


def test_the_same_state_is_the_same_file(tmp_path):
    """Byte by byte: a checksum of the file says whether two trainings agree."""
    for name in "ab":
        trained().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


# Damage

LOADERS = {"model": fp.load, "trainer": fp.Trainer.resume}
both_kinds = pytest.mark.parametrize("kind", ["model", "trainer"])


@pytest.fixture
def damaged(tmp_path):
    """damaged(kind, data) writes the data and expects an error that names the file."""

    def expect(kind, data, *parts, error=ValueError):
        path = tmp_path / "some file.safetensors"
        path.write_bytes(data)
        with pytest.raises(error, match=r"some file\.safetensors") as caught:
            LOADERS[kind](path)
        for part in parts:
            assert part in str(caught.value)

    return expect


def bytes_of(kind, request):
    return request.getfixturevalue(f"{kind}_file").read_bytes()


@both_kinds
def test_a_file_cut_short_anywhere_is_refused(kind, damaged, request):
    """A download or a disk that stopped: every 7th length, and all of those about the header's ends."""
    data = bytes_of(kind, request)
    header = 8 + int.from_bytes(data[:8], "little")
    for length in sorted({*range(0, len(data), 7), *range(20), *range(header - 9, header + 9), len(data) - 1}):
        damaged(kind, data[:length])


@both_kinds
def test_a_file_with_more_at_its_end_is_refused(kind, damaged, request):
    """What is not described was not written."""
    damaged(kind, bytes_of(kind, request) + b"\0")
    damaged(kind, bytes_of(kind, request) * 2)


@both_kinds
def test_every_flipped_bit_in_the_tensors_is_found_and_its_tensor_named(kind, damaged, request):
    """A weight of another sign loads silently without a checksum."""
    data = bytes_of(kind, request)
    start = 8 + int.from_bytes(data[:8], "little")
    for bit in range(8 * start, 8 * len(data), 11):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        damaged(kind, bytes(flipped), "tensor", "was written")


@both_kinds
def test_every_flipped_bit_in_the_header_is_found(kind, damaged, request):
    """A learning rate, a step or a seed of another value would be as bad as a weight."""
    data = bytes_of(kind, request)
    end = 8 + int.from_bytes(data[:8], "little")
    for bit in range(0, 8 * end, 7):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        damaged(kind, bytes(flipped))


@pytest.mark.parametrize("size", [2**63, 2**64 - 1, 2**40, 2**21, 101 << 20])
def test_a_header_that_claims_to_be_huge_is_refused(size, damaged, request):
    """Before any memory is taken for it."""
    data = bytes_of("model", request)
    damaged("model", size.to_bytes(8, "little") + data[8:])


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"{",
        b"\xff\xfe\x00",
        b'{"__metadata__": null}',
        b'{"__metadata__": {"fastprop": "null"}}',
        b'{"__metadata__": {"fastprop": "{}"}}',
        b'{"__metadata__": {"fastprop": "[1, 2"}}',
        b'{"__metadata__": {"fastprop": 5}}',
        b'{"__metadata__": {"other": "{}"}}',
        b'{"__metadata__": {"fastprop": "' + b"[" * 100_000 + b'"}}',
        b"[" * 100_000,
        b'{"a": ' * 10_000 + b"1" + b"}" * 10_000,
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [4611686018427387904, 16], "data_offsets": [0, 0]}}',
        b'{"a": {"dtype": "XYZ", "shape": [0], "data_offsets": [0, 0]}}',
    ],
    ids=lambda header: repr(header[:40]),
)
def test_junk_for_a_header_is_refused(header, damaged):
    """Not a file of ours, however far it goes along with the format."""
    damaged("model", len(header).to_bytes(8, "little") + header)


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 7, b"\0" * 8, b"\0" * 100, b"PK\3\4" + b"x" * 99, b"\x80\x04K\x05.", b"a"]
)
def test_files_of_another_kind_are_refused(data, damaged):
    """Empty ones, zeros, zip, pickle, text."""
    damaged("model", data)
    damaged("trainer", data)


def test_files_for_other_doors_say_which(model_file, trainer_file, damaged):
    """A trainer's file is no model's, and the other way round."""
    damaged("model", trainer_file.read_bytes(), "trainer", "fastprop.Trainer.resume")
    damaged("trainer", model_file.read_bytes(), "model", "fastprop.load")


# Descriptions that are well written and wrong: edits of the JSON, with lengths and checksums in order


def edited(data, change, sealed=True):
    """The file with change(header, metadata) applied; with a seal that is right, as an attacker would make it."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    metadata = json.loads(header["__metadata__"]["fastprop"])
    change(header, metadata)
    if sealed:
        serialization.seal(metadata)
    header["__metadata__"]["fastprop"] = json.dumps(metadata, ensure_ascii=False)
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[end:]


def at(*path, value):
    def change(header, metadata):
        place = metadata
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


def test_an_edit_that_changes_nothing_loads(request, tmp_path):
    """Or the refusals below would prove nothing."""
    for kind, loader in LOADERS.items():
        (tmp_path / kind).write_bytes(edited(bytes_of(kind, request), lambda header, metadata: None))
        loader(tmp_path / kind)


@pytest.mark.parametrize(
    "change",
    [
        at("trainer", "optimizer", "learning_rate", value=0.2),
        at("trainer", "steps", value=[9, 0, 0, 9, 9, 9, 9]),
        at("model", "seed", value=4),
        at("trainer", "history", "loss", 0, value="0.5"),
        at("something new", value=1),
        at("sha256", value=None),
    ],
)
def test_a_number_changed_by_hand_is_found(change, damaged, request):
    """The description has a checksum as the tensors have."""
    damaged("trainer", edited(bytes_of("trainer", request), change, sealed=False), "SHA-256")


def test_a_file_of_a_newer_format_asks_for_an_upgrade(damaged, request):
    """Both versions named; a newer minor format is read, as it promises to be readable."""
    newer = edited(bytes_of("model", request), at("format", value=[2, 0]))
    damaged("model", newer, "format 2.0", fp.__version__, "upgrade")


def test_a_file_of_a_newer_minor_format_loads(request, tmp_path):
    """Unknown additions are passed by."""

    def change(header, metadata):
        metadata["format"] = [1, 9]
        metadata["something new"] = {"type": "Unheard", "of": [1, 2, 3]}

    (tmp_path / "m").write_bytes(edited(bytes_of("model", request), change))
    assert fp.load(tmp_path / "m").theta.tobytes() == trained().model.theta.tobytes()


HOSTILE = {
    "format a text": at("format", value="1.0"),
    "format of one number": at("format", value=[1]),
    "format negative": at("format", value=[-1, 0]),
    "no checksums": at("tensors", value={}),
    "checksums a list": at("tensors", value=[]),
    "a checksum missing": lambda header, metadata: metadata["tensors"].pop("0.bias"),
    "a wrong checksum": at("tensors", "0.bias", 2, value="0" * 64),
    "a checksum a number": at("tensors", "0.bias", value=5),
    "kind unknown": at("kind", value="virus"),
    "kind missing": at("kind", value=None),
    "model a list": at("model", value=[1, 2]),
    "model a number": at("model", value=7),
    "model empty": at("model", value={}),
    "layers a number": at("model", "layers", value=5),
    "no layers": at("model", "layers", value=[]),
    "layers nested deeply": at("model", "layers", value=[[[[[[]]]]]]),
    "a layer unknown": at("model", "layers", 0, "type", value="Convolution"),
    "a layer without a type": at("model", "layers", 0, value={"units": 5}),
    "a type that names code": at("model", "layers", 0, "type", value="os.system"),
    "a type that is a list": at("model", "layers", 0, "type", value=["Dense"]),
    "a layer that is an optimizer": at("model", "layers", 0, value={"type": "SGD"}),
    "an activation unknown": at("model", "layers", 0, "activation", value={"type": "Swish"}),
    "an activation that is a loss": at("model", "layers", 0, "activation", value={"type": "MSE"}),
    "no units": at("model", "layers", 0, "units", value=0),
    "units negative": at("model", "layers", 0, "units", value=-5),
    "units a truth value": at("model", "layers", 0, "units", value=True),
    "units a fraction": at("model", "layers", 0, "units", value=5.0),
    "units more than the tensors have": at("model", "layers", 0, "units", value=6),
    "a bias that is not there": at("model", "layers", 0, "use_bias", value=False),
    "a field unknown": at("model", "layers", 0, "colour", value="red"),
    "inputs a text": at("model", "n_inputs", value="4"),
    "inputs others": at("model", "n_inputs", value=5),
    "a type of reals unknown": at("model", "dtype", value="float16"),
    "a seed negative": at("model", "seed", value=-1),
    "an argument unknown": at("model", "path", value="/etc/passwd"),
    "tensors of integers": lambda header, metadata: header["0.weight"].update(dtype="I32"),
    "a tensor turned round": lambda header, metadata: header["0.weight"].update(shape=[4, 5]),
    "a tensor missing": lambda header, metadata: header.pop("0.bias"),
    "two tensors in one place": lambda header, metadata: header["0.weight"].update(header["2.weight"]),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_description_is_refused(change, damaged, request):
    """A closed list of types, each checked as a user's arguments are; nothing is imported or evaluated."""
    damaged("model", edited(bytes_of("model", request), change))
    if change is not HOSTILE["model empty"]:
        damaged("trainer", edited(bytes_of("trainer", request), change))


def test_a_network_beyond_all_memory_is_refused(damaged, request):
    """Before it is laid out; a bomb of a few bytes."""
    bomb = at("model", "layers", 0, "units", value=2**60)
    damaged("model", edited(bytes_of("model", request), bomb), error=(MemoryError, ValueError))


HOSTILE_TRAINERS = {
    "a number": at("trainer", value=5),
    "empty": at("trainer", value={}),
    "a loss unknown": at("trainer", "loss", value={"type": "Hinges"}),
    "a loss by name": at("trainer", "loss", value="hinges"),
    "a loss that is a function": at("trainer", "loss", value={"type": "CustomLoss", "function": "print"}),
    "a loss that cannot follow": at("trainer", "loss", value={"type": "BinaryCrossEntropy"}),
    "an optimizer that is a layer": at("trainer", "optimizer", value={"type": "Dense", "units": 3}),
    "a learning rate negative": at("trainer", "optimizer", "learning_rate", value=-1),
    "a learning rate of nan": at("trainer", "optimizer", "learning_rate", value=float("nan")),
    "an optimizer without state": at("trainer", "optimizer", "momentum", value=0.0),
    "metrics a number": at("trainer", "metrics", value=3),
    "a metric twice": at("trainer", "metrics", value=[{"type": "MAE"}, {"type": "MAE"}]),
    "a seed a text": at("trainer", "seed", value="x"),
    "a seed too large": at("trainer", "seed", value=2**64),
    "an epoch negative": at("trainer", "epoch", value=-1),
    "an epoch a fraction": at("trainer", "epoch", value=1.5),
    "a step missing": at("trainer", "steps", value=[3]),
    "a step too large": at("trainer", "steps", value=[2**70, 0, 0, 0, 0, 0, 0]),
    "a history a list": at("trainer", "history", value=[]),
    "a history of text": at("trainer", "history", value={"loss": ["abc"]}),
    "a history of numbers": at("trainer", "history", value={"loss": 5}),
    "a state of another length": lambda header, metadata: metadata["model"]["layers"].pop(),
    "a state that is missing": lambda header, metadata: header.pop("optimizer.velocity"),
    "a state of integers": lambda header, metadata: header["optimizer.velocity"].update(dtype="I32"),
}


@pytest.mark.parametrize("change", HOSTILE_TRAINERS.values(), ids=HOSTILE_TRAINERS)
def test_a_hostile_trainer_is_refused(change, damaged, request):
    """The same of what stands beside the model."""
    damaged("trainer", edited(bytes_of("trainer", request), change))


def test_a_weight_that_is_no_number_is_refused(damaged, request, tmp_path):
    """nan and infinity with checksums in order: `load_state_dict` would refuse them, so does a file."""
    model = trained().model
    model.theta[7] = np.inf
    path = tmp_path / "inf.safetensors"
    model.save(path)
    with pytest.raises(ValueError, match=r"inf.safetensors.*is inf"):
        fp.load(path)


# load_state_dict's own refusals


BAD_STATES = {
    "a name missing": (lambda s: s.pop("2.bias"), ["missing", "2.bias"]),
    "a name too many": (lambda s: s.update({"3.bias": np.zeros(3)}), ["unknown", "3.bias"]),
    "a shape turned round": (lambda s: s.update({"2.weight": s["2.weight"].T}), ["2.weight", "(5, 3)", "(3, 5)"]),
    "nan": (lambda s: s["2.weight"].__setitem__((1, 2), np.nan), ["2.weight[1, 2]", "nan"]),
    "too large for float32": (
        lambda s: s.update({"2.bias": np.array([0, 1e39, 0])}),
        ["2.bias[1]", "1e+39", "float32"],
    ),
    "text": (lambda s: s.update({"2.weight": np.full((3, 5), "a")}), ["2.weight"]),
    "objects": (lambda s: s.update({"2.bias": np.array([1, None, "x"], object)}), ["2.bias"]),
    "complex numbers": (lambda s: s.update({"2.bias": np.array([1j, 0, 0])}), ["2.bias", "complex"]),
}


@pytest.mark.parametrize(("change", "parts"), BAD_STATES.values(), ids=BAD_STATES)
def test_a_state_that_does_not_fit_changes_nothing(change, parts):
    """Not even the tensors that come before the bad one."""
    model = fp.mlp(4, 5, 3, seed=1)
    state = {name: np.full_like(array, 7) for name, array in model.state_dict().items()}
    change(state)
    before = model.theta.tobytes()
    with pytest.raises((TypeError, ValueError)) as caught:
        model.load_state_dict(state)
    for part in parts:
        assert part in str(caught.value)
    assert model.theta.tobytes() == before


# Failing writes


def no_space(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def stopped(*args, **kwargs):
    raise KeyboardInterrupt


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("function", ["fsync", "replace", "chmod", "fdopen"])
def test_a_full_disk_leaves_the_old_file_and_no_other(function, existing, tmp_path, monkeypatch):
    """Whichever call it is that fails; the error says where, and that nothing was lost."""
    path = tmp_path / "model.safetensors"
    if existing:
        MODELS["float64"].save(path)
    before = contents(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, function, no_space)
        with pytest.raises(OSError, match="unchanged") as caught:
            MODELS["float32"].save(path)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(path)
    assert contents(tmp_path) == before
    MODELS["float32"].save(path)
    assert fp.load(path).theta.tobytes() == MODELS["float32"].theta.tobytes()


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_an_interrupted_write_leaves_the_old_file_and_no_other(function, tmp_path, monkeypatch):
    """Ctrl-C is no OSError and passes through as it is."""
    path = tmp_path / "model.safetensors"
    MODELS["float64"].save(path)
    before = contents(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, function, stopped)
        with pytest.raises(KeyboardInterrupt):
            MODELS["float32"].save(path)
    assert contents(tmp_path) == before


def test_a_folder_that_cannot_be_written_to_is_named_and_unchanged(tmp_path):
    """The error names the file that was asked for, not a temporary one."""
    if os.name != "posix" or os.geteuid() == 0:
        pytest.skip("only an ordinary user on a POSIX system can be kept out of a folder")
    path = tmp_path / "model.safetensors"
    MODELS["float64"].save(path)
    before = contents(tmp_path)
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(PermissionError) as caught:
            MODELS["float32"].save(path)
    finally:
        tmp_path.chmod(0o755)
    assert caught.value.filename == str(path)
    assert contents(tmp_path) == before


def test_a_folder_that_is_not_there_is_named(tmp_path):
    """By the path that was asked for."""
    path = tmp_path / "no such folder" / "model.safetensors"
    with pytest.raises(FileNotFoundError) as caught:
        MODELS["float32"].save(path)
    assert caught.value.filename == str(path)


def test_a_folder_is_not_overwritten(tmp_path):
    """A path that is a directory, for writing and for reading."""
    with pytest.raises(IsADirectoryError) as caught:
        MODELS["float32"].save(tmp_path)
    assert caught.value.filename == str(tmp_path)
    with pytest.raises(OSError, match=r"directory|denied"):
        fp.load(tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    """As open() does."""
    for loader in LOADERS.values():
        with pytest.raises(FileNotFoundError, match="nowhere"):
            loader(tmp_path / "nowhere")


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_permissions_are_kept_and_new_files_have_the_usual_ones(tmp_path):
    """A temporary file's 0600 must not become the model's."""
    path = tmp_path / "model.safetensors"
    umask = os.umask(0o027)
    try:
        MODELS["float32"].save(path)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    MODELS["float64"].save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_a_file_name_without_a_folder_is_in_the_working_folder(tmp_path, monkeypatch):
    """model.save("model")."""
    monkeypatch.chdir(tmp_path)
    MODELS["float32"].save("model")
    assert fp.load("model").n_params == MODELS["float32"].n_params
    assert set(contents(tmp_path)) == {"model"}


def test_reading_imports_nothing_by_name(model_file):
    """A file cannot choose what code runs: no module is imported for what stands in it."""
    before = set(sys.modules)
    fp.load(model_file)
    assert {name.split(".")[0] for name in set(sys.modules) - before} <= {"safetensors", "numpy", "ml_dtypes"}
