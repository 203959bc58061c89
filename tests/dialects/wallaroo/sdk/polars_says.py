"""What the SDK's own polars makes of expressions: their JSON, and where they are true. It asks no server."""

import operator
import random

import polars as pl

TYPES = {
    "in.f": pl.Float32,
    "in.d": pl.Float64,
    "in.i": pl.Int64,
    "in.j": pl.Int32,
    "in.s": pl.Utf8,
    "in.t": pl.Utf8,
    "in.b": pl.Boolean,
    "in.c": pl.Boolean,
    "in.n": pl.Float64,
    "in.m": pl.Utf8,
    "in.o": pl.Boolean,
    "out.y": pl.List(pl.Float32),
    "out.k": pl.List(pl.Int64),
}


def run(given):
    frame = pl.DataFrame([pl.Series(name, values, TYPES[name]) for name, values in given["columns"].items()])
    written = {name: make() for name, make in WRITTEN.items()}
    drawn = {f"drawn {seed}": Draw(seed).truth(4) for seed in range(given["draws"])}
    said = {}
    for name, expression in {**written, **drawn}.items():
        named = expression.alias("check")
        values = frame.select(named)["check"].to_list()
        said[name] = [named.meta.write_json(), values * frame.height if len(values) == 1 else values]
    return said


def f(name):
    return pl.col(name)


def score(place=0):
    return pl.col("out.y").list.get(place)


WRITTEN = {
    "get below": lambda: score() < 0.5,
    "get from the end": lambda: score(-1) >= 2,
    "get beyond": lambda: score(7) > 0,
    "get beyond, not": lambda: ~(score(7) > 0),
    "get beyond, or": lambda: (score(7) > 0) | (f("in.i") > 1),
    "get beyond, and": lambda: ~((score(7) > 0) & (f("in.i") > 1)),
    "get beyond is null": lambda: score(7).is_null(),
    "get by a column": lambda: f("out.k").list.get(f("in.j")) > 1,
    "first": lambda: f("out.y").list.first() > 0.25,
    "last": lambda: f("out.k").list.last() != 4,
    "list sum": lambda: f("out.k").list.sum() > 5,
    "list sum of floats": lambda: f("out.y").list.sum() > 2.5,
    "list contains": lambda: f("out.k").list.contains(3),
    "float32 and a literal": lambda: f("in.f") == 0.1,
    "float32 and float64": lambda: f("in.f") == f("in.d"),
    "float32 times a literal": lambda: f("in.f") * 3 > 0.3,
    "whole and a float": lambda: f("in.i") < 1.5,
    "int32 and int64": lambda: f("in.j") <= f("in.i"),
    "a large literal": lambda: f("in.i") < 2**40,
    "negative": lambda: -f("in.i") > 1,
    "plus and minus": lambda: (f("in.i") + 2 - f("in.d")) > 1.5,
    "true divide": lambda: f("in.i") / 2 == 0.5,
    "by zero": lambda: (f("in.d") / 0).is_infinite(),
    "zero by zero": lambda: (f("in.d") * 0 / 0).is_nan(),
    "floor divide": lambda: f("in.i") // 2 == -2,
    "floor divide of floats": lambda: f("in.d") // 0.5 > 1,
    "modulus": lambda: f("in.i") % 3 == 2,
    "modulus of floats": lambda: f("in.d") % 2 > 0.4,
    "power": lambda: f("in.d") ** 2 > 2,
    "power of whole numbers": lambda: f("in.i") ** 2 == 9,
    "root": lambda: f("in.d").abs().sqrt() > 1,
    "absolute": lambda: f("in.i").abs() == 3,
    "sign": lambda: f("in.d").sign() < 0,
    "floor": lambda: f("in.d").floor() == -2,
    "ceil": lambda: f("in.d").ceil() == -1,
    "round": lambda: f("in.d").round(1) == 1.3,
    "round halves": lambda: f("in.d").round(0) == -2,
    "exp": lambda: f("in.d").exp() > 2,
    "log": lambda: f("in.d").log() > 0,
    "log10": lambda: f("in.d").log10() > 0,
    "clip": lambda: f("in.i").clip(0, 2) == 2,
    "between": lambda: f("in.d").is_between(-1, 1.25),
    "between, left": lambda: f("in.d").is_between(-1, 1.25, closed="left"),
    "is in": lambda: f("in.i").is_in([1, 3, -3]),
    "is in text": lambda: f("in.s").is_in(["a", "über"]),
    "is in floats": lambda: f("in.d").is_in([1.25, 0.5]),
    "is nan": lambda: f("in.d").is_nan(),
    "is not nan": lambda: f("in.d").is_not_nan(),
    "is finite": lambda: f("in.d").is_finite(),
    "nan is above": lambda: f("in.d") > 1,
    "nan is not above": lambda: ~(f("in.d") > 1),
    "nan is itself": lambda: f("in.d") == f("in.d"),
    "is null": lambda: f("in.n").is_null(),
    "is not null": lambda: f("in.n").is_not_null(),
    "null above": lambda: f("in.n") > 1,
    "null equal": lambda: f("in.n").eq_missing(f("in.d")),
    "null is not equal": lambda: f("in.n").ne_missing(1.5),
    "null text": lambda: f("in.m") == "a",
    "null text starts": lambda: ~f("in.m").str.starts_with("a"),
    "fill null": lambda: f("in.n").fill_null(2) == 2,
    "a null literal": lambda: f("in.i") > pl.lit(None),
    "all true": lambda: pl.lit(True),
    "text equal": lambda: f("in.s") == f("in.t"),
    "text less": lambda: f("in.s") < "b",
    "starts with": lambda: f("in.s").str.starts_with("a"),
    "starts with a column": lambda: f("in.s").str.starts_with(f("in.t")),
    "ends with": lambda: f("in.s").str.ends_with("c"),
    "contains": lambda: f("in.s").str.contains("b"),
    "contains a dot": lambda: f("in.s").str.contains("a.c"),
    "contains at the start": lambda: f("in.s").str.contains("^a|c$"),
    "contains a class": lambda: f("in.s").str.contains(r"[0-9]\d"),
    "contains literally": lambda: f("in.s").str.contains("a.c", literal=True),
    "bytes": lambda: f("in.s").str.lengths() == 5,
    "characters": lambda: f("in.s").str.n_chars() == 4,
    "upper": lambda: f("in.s").str.to_uppercase() == "ÜBER",
    "lower": lambda: f("in.t").str.to_lowercase() == "abc",
    "truth equals": lambda: f("in.b") == f("in.c"),
    "truth is one": lambda: f("in.b") == 1,
    "xor": lambda: f("in.b") ^ f("in.c"),
    "and with null": lambda: f("in.o") & f("in.b"),
    "or with null": lambda: f("in.o") | f("in.b"),
    "not null": lambda: ~f("in.o"),
    "any": lambda: pl.any_horizontal([f("in.b"), f("in.i") > 1]),
    "all": lambda: pl.all_horizontal([f("in.b"), f("in.i") > 1]),
    "when": lambda: pl.when(f("in.b")).then(f("in.i")).otherwise(7) > 1,
    "when null": lambda: pl.when(f("in.o")).then(1).otherwise(2) == 2,
    "cast to whole": lambda: f("in.f").cast(pl.Int64) == 2,
    "cast to float": lambda: f("in.i").cast(pl.Float64) / 2 == 0.5,
    "cast to float32": lambda: f("in.d").cast(pl.Float32) == f("in.f"),
    "cast to truth": lambda: f("in.i").cast(pl.Boolean),
    "cast of truth": lambda: f("in.b").cast(pl.Int64) + 1 == 2,
    "cast to text": lambda: f("in.i").cast(pl.Utf8) == "-3",
}


class Draw:
    """Expressions drawn by chance: the same for the same seed."""

    def __init__(self, seed):
        self._random = random.Random(seed)

    def truth(self, depth):
        """One that is true or false."""
        choose = self._random.choice
        if depth <= 1:
            return choose([lambda: f("in.b"), lambda: f("in.o"), lambda: self.compared(1), lambda: self.text_test()])()
        kinds = [self.compared, self.joined, self.negated, self.tested, self.chosen]
        return choose(kinds)(depth - 1)

    def compared(self, depth):
        signs = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
        return self._random.choice(signs)(self.number(depth), self.number(depth))

    def joined(self, depth):
        return self._random.choice([operator.and_, operator.or_, operator.xor])(self.truth(depth), self.truth(depth))

    def negated(self, depth):
        return ~self.truth(depth)

    def tested(self, depth):
        number = self.number(depth)
        return self._random.choice([number.is_null, number.is_not_null])()

    def chosen(self, depth):
        return pl.when(self.truth(depth)).then(self.truth(depth)).otherwise(self.truth(depth))

    def text_test(self):
        text, part = f(self._random.choice(["in.s", "in.t", "in.m"])), self._random.choice(["a", "b", "über", ""])
        return self._random.choice([text.str.starts_with, text.str.ends_with, text.__eq__, text.__lt__])(part)

    def number(self, depth):
        """One that is a number."""
        choose = self._random.choice
        if depth <= 1:
            columns = ["in.f", "in.d", "in.i", "in.j", "in.n"]
            return choose([lambda: f(choose(columns)), lambda: score(choose([0, 1, -1, 5])), self.literal])()
        signs = [operator.add, operator.sub, operator.mul, operator.truediv]
        made = choose(signs)(self.number(depth - 1), self.number(depth - 1))
        return choose([made, made, made.abs(), f(choose(["in.d", "in.n"])).floor(), -made])

    def literal(self):
        return pl.lit(self._random.choice([0, 1, -2, 3, 0.5, 1.25, 0.1]))
