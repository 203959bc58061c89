"""The network of `train_keras.py` as a SavedModel in an archive. Needs tensorflow-cpu."""

from pathlib import Path
from tempfile import TemporaryDirectory

import tensorflow as tf
from example import Example, main, tensor, zipped
from train_keras import points, trained


def make(folder: Path) -> Example:
    """Train and write it."""
    network = trained()

    @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.float32, name="point")])
    def serve(point: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"inside": network(point, training=False)}

    with TemporaryDirectory() as inside:
        tf.saved_model.save(network, inside, signatures={"serving_default": serve})
        zipped(folder / "circle.zip", Path(inside))
    return Example(
        framework="tensorflow",
        file="circle.zip",
        requirements=[],
        inputs=[tensor("point", "float32", 2)],
        outputs=[tensor("inside", "float32", 1)],
        rows={"point": points().tolist()},
        answers={"inside": network.predict(points(), verbose=0).tolist()},
        tolerance=1e-6,
    )


if __name__ == "__main__":
    main(make)
