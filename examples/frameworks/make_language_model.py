"""A very small language model that brings its own code: which word follows two others, counted in a text of our own.

It continues prompts and answers chats, also through the API of OpenAI; see docs/howto/serve-language-models.md.
"""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from example import Example, main, tensor, zipped

TEXT = """
The red wine is dry and strong. The white wine is fresh and light. The old wine is rare and dear.
A good wine is made of good grapes. A good cook tastes the soup before the guests taste the soup.
The bread is baked in the morning and the bread is eaten in the evening. The soup is hot and the bread is fresh.
The guests like the white wine and the fresh bread. The cook likes the red wine and the hot soup.
In the evening the guests drink the red wine. In the morning the cook bakes the bread.
"""
PROMPTS = ["The red", "The bread is baked", "In the"]

MODEL = '''"""Continues texts word by word, by the two words before."""

import json
import random
import re
from pathlib import Path


class Words:
    """``following`` has the words that came after two others, with how often they did."""

    def __init__(self, following):
        self._following = following

    def generate(self, prompt, max_tokens=16, temperature=1.0, seed=None):
        """Pieces of one word or mark each, with the space before it; temperature 0 takes the most frequent."""
        chance = random.Random(seed)
        before = (["", ""] + split(prompt))[-2:]
        for _ in range(max_tokens):
            counted = self._following.get(" ".join(before)) or self._following[" "]
            word = chosen(counted, temperature, chance)
            if word == "":
                return
            yield word if word in ".,?" else " " + word
            before = [before[1], word]

    def count_tokens(self, prompt):
        """How many words and marks there are."""
        return len(split(prompt))


def split(prompt):
    """The words and marks; of a chat those of what was said last."""
    text = prompt if isinstance(prompt, str) else prompt[-1]["content"]
    return re.findall(r"\\w+|[.,?]", text)


def chosen(counted, temperature, chance):
    if temperature == 0:
        return max(sorted(counted), key=counted.get)
    weights = [count ** (1 / temperature) for count in counted.values()]
    return chance.choices(list(counted), weights)[0]


def load(folder: Path):
    return Words(json.loads((folder / "following.json").read_text()))
'''


def counted(text: str) -> dict[str, dict[str, int]]:
    """How often each word followed each two: sentences begin after two empty words and end with an empty one."""
    following: dict[str, Counter[str]] = defaultdict(Counter)
    for sentence in re.findall(r"[^.]+\.", text):
        words = ["", "", *re.findall(r"\w+|[.,?]", sentence), ""]
        for first, second, third in zip(words, words[1:], words[2:], strict=False):
            following[f"{first} {second}"][third] += 1
    return {pair: dict(sorted(counts.items())) for pair, counts in sorted(following.items())}


def make(folder: Path) -> Example:
    """Count and write it."""
    with TemporaryDirectory() as inside:
        (Path(inside) / "model.py").write_text(MODEL)
        (Path(inside) / "requirements.txt").write_text("")
        (Path(inside) / "following.json").write_text(json.dumps(counted(TEXT)))
        zipped(folder / "words.zip", Path(inside))
    return Example(
        framework="custom",
        file="words.zip",
        requirements=[],
        inputs=[tensor("prompt", "string")],
        outputs=[tensor("text", "string")],
        rows={"prompt": PROMPTS},
        answers={},
    )


if __name__ == "__main__":
    main(make)
