"""A tiny classifier of texts with a vocabulary made on the spot: the shape of a real pipeline, nothing downloaded.

Needs transformers and torch.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import transformers
from example import Example, main, tensor, zipped
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

GOOD = ["good", "great", "fine", "lovely", "fresh"]
BAD = ["bad", "poor", "awful", "stale", "broken"]
OTHER = ["the", "a", "wine", "bread", "service", "room", "is", "was", "very"]
TEXTS = ["the wine is good", "the bread was stale", "a very lovely room", "the service was awful"]


def tokenizer(folder: Path) -> BertTokenizerFast:
    """A tokenizer that knows these words alone."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *OTHER, *GOOD, *BAD]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    return BertTokenizerFast(vocab_file=str(folder / "vocab.txt"))


def trained(words: BertTokenizerFast) -> BertForSequenceClassification:
    """A very small network after a hundred steps."""
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        id2label={0: "NEGATIVE", 1: "POSITIVE"},
        label2id={"NEGATIVE": 0, "POSITIVE": 1},
    )
    network = BertForSequenceClassification(config)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    texts = [f"the {thing} is {word}" for thing in OTHER[2:6] for word in GOOD + BAD]
    labels = torch.tensor([word in GOOD for _ in OTHER[2:6] for word in GOOD + BAD]).long()
    for _ in range(60):
        optimiser.zero_grad()
        network(**words(texts, return_tensors="pt", padding=True), labels=labels).loss.backward()
        optimiser.step()
    return network.eval()


def make(folder: Path) -> Example:
    """Train and write it."""
    with TemporaryDirectory() as place:
        words = tokenizer(Path(place))
        pipeline = transformers.pipeline("text-classification", model=trained(words), tokenizer=words, device="cpu")
        pipeline.save_pretrained(f"{place}/pipeline")
        zipped(folder / "opinions.zip", Path(place) / "pipeline")
    answers = [pipeline(text)[0] for text in TEXTS]
    return Example(
        framework="hugging-face-text-classification",
        file="opinions.zip",
        requirements=[],
        inputs=[tensor("inputs", "string")],
        outputs=[tensor("label", "string"), tensor("score", "float64")],
        rows={"inputs": TEXTS},
        answers={key: [answer[key] for answer in answers] for key in ("label", "score")},
        options={"task": "text-classification"},
        tolerance=1e-6,
    )


if __name__ == "__main__":
    main(make)
