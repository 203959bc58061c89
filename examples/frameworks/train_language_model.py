"""A tiny GPT-2 that has learned a few sentences by heart, with its own words and a template for chats.

The shape of a real pipeline for text-generation, nothing downloaded. Needs transformers and torch.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import transformers
from example import Example, main, tensor, zipped
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

SENTENCES = [
    "user : hello . assistant : good morning .",
    "user : which wine ? assistant : the red wine .",
    "the red wine is dry and strong .",
    "the white wine is fresh and light .",
    "the bread is baked in the morning .",
]
PROMPTS = ["the red wine", "the white wine"]
END, UNKNOWN = "<end>", "<unknown>"
TEMPLATE = "{% for one in messages %}{{ one.role }} : {{ one.content }} {% endfor %}assistant :"


def tokenizer() -> PreTrainedTokenizerFast:
    """One that knows these words alone, a token each."""
    words = sorted({word for sentence in SENTENCES for word in sentence.split()})
    known = {word: number for number, word in enumerate([END, UNKNOWN, *words])}
    plain = Tokenizer(models.WordLevel(known, unk_token=UNKNOWN))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    plain.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    made = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token=END, unk_token=UNKNOWN, pad_token=END)
    made.chat_template = TEMPLATE
    return made


def trained(words: PreTrainedTokenizerFast) -> GPT2LMHeadModel:
    """A very small network after some steps."""
    torch.set_num_threads(1)  # more would wait for one another longer than they work
    torch.manual_seed(7)
    config = GPT2Config(
        vocab_size=len(words),
        n_positions=32,
        n_embd=32,
        n_layer=2,
        n_head=2,
        eos_token_id=0,
        bos_token_id=0,
        resid_pdrop=0,
        embd_pdrop=0,
        attn_pdrop=0,
    )
    network = GPT2LMHeadModel(config)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    rows = [torch.tensor([words(f"{sentence} {END}")["input_ids"]]) for sentence in SENTENCES]
    for step in range(250):
        optimiser.zero_grad()
        network(input_ids=rows[step % len(rows)], labels=rows[step % len(rows)]).loss.backward()
        optimiser.step()
    return network.eval()


def make(folder: Path) -> Example:
    """Train and write it."""
    with TemporaryDirectory() as place:
        words = tokenizer()
        pipeline = transformers.pipeline("text-generation", model=trained(words), tokenizer=words, device="cpu")
        pipeline.save_pretrained(place)
        zipped(folder / "sentences.zip", Path(place))
    return Example(
        framework="hugging-face-text-generation",
        file="sentences.zip",
        requirements=[],
        inputs=[tensor("inputs", "string")],
        outputs=[tensor("generated_text", "string")],
        rows={"inputs": PROMPTS},
        answers={},  # drawn by chance
        options={"task": "text-generation"},
    )


if __name__ == "__main__":
    main(make)
