"""Make every model and data file of this folder again, from nothing but random numbers.

    python examples/train_models.py [FOLDER]        (writes FOLDER/models and FOLDER/data)

Seeds are fixed, so two runs give the same files. Needs the dependency group `examples` of the project
(numpy, scikit-learn, onnx, skl2onnx, pyarrow). What each file is for: README.md beside this script.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.neural_network import MLPClassifier

OPSET = 15
IR_VERSION = 8
CARD_FEATURES = 29
HOUSE_FEATURES = 18
FRAUD_THRESHOLD = 0.5

Matrix = NDArray[np.float32]

# Which of the 28 anonymous components a kind of fraud moves, and how far (in standard deviations).
KNOWN_FRAUD = {1: 2.6, 3: -3.1, 9: -2.8, 13: -3.4, 16: 2.2}
NEW_FRAUD = {5: 3.0, 11: 2.7, 20: -3.2, 25: 2.4}


@dataclass(frozen=True)
class Cards:
    """Card payments, float32 [N,29]: 28 anonymous components and the standardised log of the amount."""

    normal: Matrix
    known_fraud: Matrix
    new_fraud: Matrix

    def labelled(self, *, with_new_fraud: bool) -> tuple[Matrix, NDArray[np.int64]]:
        """Rows and their class (1 = fraud) as they were known before or after the new fraud was noticed."""
        frauds = [self.known_fraud, self.new_fraud] if with_new_fraud else [self.known_fraud]
        rows = np.vstack([self.normal, *frauds])
        return rows, (np.arange(len(rows)) >= len(self.normal)).astype(np.int64)


def payments(rng: np.random.Generator, count: int, moved: dict[int, float], amount: float) -> Matrix:
    """`count` payments whose components in `moved` are shifted and whose log amount is around `amount`."""
    rows = rng.normal(size=(count, CARD_FEATURES))
    # People pay in habits: a few hidden factors couple neighbouring components.
    rows[:, :28] += 0.6 * np.repeat(rng.normal(size=(count, 7)), 4, axis=1)
    for column, shift in moved.items():
        rows[:, column] += shift * rng.gamma(9.0, 1 / 9.0, size=count)
    rows[:, 28] = amount + 0.8 * rows[:, 28]
    return rows.round(4).astype(np.float32)


def make_cards(seed: int, normal: int, known: int, new: int) -> Cards:
    """A set of payments with so many rows of each kind."""
    rng = np.random.default_rng(seed)
    return Cards(
        payments(rng, normal, {}, amount=0.0),
        payments(rng, known, KNOWN_FRAUD, amount=0.7),
        payments(rng, new, NEW_FRAUD, amount=-0.9),
    )


def make_houses(seed: int, count: int) -> tuple[Matrix, NDArray[np.float64]]:
    """Houses, float32 [N,18] in the order of README.md, and their prices."""
    rng = np.random.default_rng(seed)
    living = rng.gamma(9.0, 15.0, count).clip(28, 520)
    plot = living * rng.gamma(4.0, 1.1, count).clip(0.4, 20)
    bedrooms = (living / 38 + rng.normal(0, 0.7, count)).round().clip(1, 8)
    bathrooms = (living / 70 + rng.normal(0, 0.4, count)).round().clip(1, 5)
    floors = rng.choice([1, 1.5, 2, 3], count, p=[0.35, 0.15, 0.4, 0.1])
    age = rng.gamma(2.2, 18.0, count).clip(0, 150).round()
    renovated = np.minimum(age, rng.gamma(2.0, 9.0, count).round())
    condition = rng.integers(1, 6, count)
    energy = rng.integers(1, 8, count)
    garage = rng.choice([0, 1, 2, 3], count, p=[0.3, 0.4, 0.25, 0.05])
    basement = living * rng.choice([0, 0.3, 0.5], count, p=[0.5, 0.3, 0.2])
    terrace = rng.gamma(2.0, 8.0, count)
    centre, school, transit = rng.gamma(2.0, 6.0, count), rng.gamma(2.0, 0.8, count), rng.gamma(1.5, 0.7, count)
    noise = rng.normal(52, 7, count).clip(30, 80)
    view = rng.random(count) < 0.12
    detached = rng.random(count) < 0.6
    price = (
        60_000
        + living * 2_600 * np.exp(-centre / 28) * (1 + 0.07 * (condition - 3) - 0.025 * (energy - 4))
        + plot * 95
        + basement * 420
        + terrace * 350
        + garage * 14_000
        + bathrooms * 9_000
        - renovated * 900
        - (noise - 52) * 1_500
        - transit * 6_000
        - school * 4_000
        + view * 85_000
        + detached * 40_000
    ) * rng.normal(1, 0.04, count)
    columns = [living, plot, bedrooms, bathrooms, floors, age, renovated, condition, energy, garage, basement]
    columns += [terrace, centre, school, transit, noise, view, detached]
    return np.column_stack(columns).round(2).astype(np.float32), price


def train_network(cards: Cards, hidden: tuple[int, ...], *, with_new_fraud: bool) -> MLPClassifier:
    """A small dense network that says how likely a payment is a fraud."""
    rows, classes = cards.labelled(with_new_fraud=with_new_fraud)
    # So much weight decay keeps the network from being surer than synthetic data deserve.
    return MLPClassifier(hidden, alpha=5.0, learning_rate_init=0.004, random_state=7).fit(rows, classes)


def network_as_onnx(network: MLPClassifier, name: str) -> onnx.ModelProto:
    """`tensor` float32 [N,29] to `dense_1` float32 [N,1]: Gemm and Relu for each hidden layer, then Sigmoid."""
    nodes, weights, flowing = [], [], "tensor"
    last = len(network.coefs_) - 1
    for layer, (matrix, bias) in enumerate(zip(network.coefs_, network.intercepts_, strict=True)):
        w, b, summed, out = (f"{kind}_{layer}" for kind in ("weights", "bias", "sum", "hidden"))
        weights += [numpy_helper.from_array(matrix.astype(np.float32), w)]
        weights += [numpy_helper.from_array(bias.astype(np.float32), b)]
        nodes.append(helper.make_node("Gemm", [flowing, w, b], [summed]))
        flowing = "dense_1" if layer == last else out
        nodes.append(helper.make_node("Sigmoid" if layer == last else "Relu", [summed], [flowing]))
    graph = helper.make_graph(nodes, name, [floats("tensor", CARD_FEATURES)], [floats("dense_1", 1)], weights)
    return finished(graph)


def threshold_as_onnx() -> onnx.ModelProto:
    """`dense_1` float32 [N,1] to `fraud` int64 [N,1] (0 or 1) and `probability`, what came in: a second step."""
    limit = numpy_helper.from_array(np.array([FRAUD_THRESHOLD], np.float32), "limit")
    nodes = [
        helper.make_node("Greater", ["dense_1", "limit"], ["above"]),
        helper.make_node("Cast", ["above"], ["fraud"], to=TensorProto.INT64),
        helper.make_node("Identity", ["dense_1"], ["probability"]),
    ]
    fraud = helper.make_tensor_value_info("fraud", TensorProto.INT64, ["N", 1])
    return finished(
        helper.make_graph(nodes, "fraud_threshold", [floats("dense_1", 1)], [fraud, floats("probability", 1)], [limit])
    )


def houses_as_onnx(rows: Matrix, prices: NDArray[np.float64]) -> onnx.ModelProto:
    """`tensor` float32 [N,18] to `variable` float32 [N,1]: 120 boosted trees."""
    trees = GradientBoostingRegressor(n_estimators=120, max_depth=4, learning_rate=0.12, random_state=7)
    model: onnx.ModelProto = to_onnx(
        trees.fit(rows, prices),
        initial_types=[("tensor", FloatTensorType([None, HOUSE_FEATURES]))],
        target_opset={"": OPSET, "ai.onnx.ml": 1},
    )
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    return model


def floats(name: str, width: int) -> onnx.ValueInfoProto:
    """The description of a float32 tensor [N,width]."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])


def finished(graph: onnx.GraphProto) -> onnx.ModelProto:
    """The checked model around a graph, in versions that older runtimes read too."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="modelyard")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    return model


def write_data(folder: Path, name: str, rows: Matrix) -> None:
    """One column `tensor`, as pandas records (`.df.json`) and as an Arrow IPC file (list<float>)."""
    # str(float32) is the shortest text that gives the same float32 back.
    records = [{"tensor": [float(str(value)) for value in row]} for row in rows]
    text = ",\n".join(json.dumps(record, separators=(",", ":")) for record in records)
    (folder / f"{name}.df.json").write_text(f"[{text}]\n")
    table = pa.table({"tensor": pa.array(list(rows), pa.list_(pa.float32()))})
    with pa.OSFile(str(folder / f"{name}.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def make_models(folder: Path) -> None:
    """Train and write the four models."""
    cards = make_cards(seed=11, normal=6000, known=600, new=400)
    models = {
        "ccfraud": network_as_onnx(train_network(cards, (16, 8), with_new_fraud=False), "ccfraud"),
        "ccfraud_v2": network_as_onnx(train_network(cards, (24, 8), with_new_fraud=True), "ccfraud_v2"),
        "fraud_threshold": threshold_as_onnx(),
        "house_price": houses_as_onnx(*make_houses(seed=12, count=5000)),
    }
    for name, model in models.items():
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))


def make_data(folder: Path) -> None:
    """Write a thousand rows and a handful of rows for each subject."""
    cards = make_cards(seed=21, normal=940, known=40, new=20)
    rows, _ = cards.labelled(with_new_fraud=True)
    write_data(folder, "ccfraud_1k", np.random.default_rng(22).permutation(rows))
    smoke, _ = make_cards(seed=23, normal=3, known=3, new=2).labelled(with_new_fraud=True)
    write_data(folder, "ccfraud_smoke", smoke)
    write_data(folder, "house_price_1k", make_houses(seed=24, count=1000)[0])
    write_data(folder, "house_price_smoke", make_houses(seed=25, count=5)[0])


def main(folder: Path) -> None:
    """Write everything below `folder` and tell the sizes."""
    for made, where in ((make_models, folder / "models"), (make_data, folder / "data")):
        where.mkdir(parents=True, exist_ok=True)
        made(where)
        for path in sorted(where.iterdir()):
            print(f"{path.stat().st_size:>8,} bytes  {path.relative_to(folder)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
