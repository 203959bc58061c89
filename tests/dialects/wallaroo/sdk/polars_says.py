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
    drawn = {f"drawn {seed}": Draw(seed).truth(4) for seed in range(given["draws"])}
    said = {}
    for name, expression in {**WRITTEN, **drawn}.items():
        named = expression.alias("check")
        values = frame.select(named)["check"].to_list()
        said[name] = [named.meta.write_json(), values * frame.height if len(values) == 1 else values]
    return said


def f(name):
    return pl.col(name)


def score(place=0):
    return pl.col("out.y").list.get(place)


WRITTEN = {
    "get below": score() < 0.5,
    "get from the end": score(-1) >= 2,
    "get beyond": score(7) > 0,
    "get beyond, not": ~(score(7) > 0),
    "get beyond, or": (score(7) > 0) | (f("in.i") > 1),
    "get beyond, and": ~((score(7) > 0) & (f("in.i") > 1)),
    "get beyond is null": score(7).is_null(),
    "get by a column": f("out.k").list.get(f("in.j")) > 1,
    "first": f("out.y").list.first() > 0.25,
    "last": f("out.k").list.last() != 4,
    "list sum": f("out.k").list.sum() > 5,
    "list sum of floats": f("out.y").list.sum() > 2.5,
    "list contains": f("out.k").list.contains(3),
    "float32 and a literal": f("in.f") == 0.1,
    "float32 and float64": f("in.f") == f("in.d"),
    "float32 times a literal": f("in.f") * 3 > 0.3,
    "whole and a float": f("in.i") < 1.5,
    "int32 and int64": f("in.j") <= f("in.i"),
    "a large literal": f("in.i") < 2**40,
    "negative": -f("in.i") > 1,
    "plus and minus": (f("in.i") + 2 - f("in.d")) > 1.5,
    "true divide": f("in.i") / 2 == 0.5,
    "by zero": (f("in.d") / 0).is_infinite(),
    "zero by zero": (f("in.d") * 0 / 0).is_nan(),
    "floor divide": f("in.i") // 2 == -2,
    "floor divide of floats": f("in.d") // 0.5 > 1,
    "modulus": f("in.i") % 3 == 2,
    "modulus of floats": f("in.d") % 2 > 0.4,
    "power": f("in.d") ** 2 > 2,
    "power of whole numbers": f("in.i") ** 2 == 9,
    "root": f("in.d").abs().sqrt() > 1,
    "absolute": f("in.i").abs() == 3,
    "sign": f("in.d").sign() < 0,
    "floor": f("in.d").floor() == -2,
    "ceil": f("in.d").ceil() == -1,
    "round": f("in.d").round(1) == 1.3,
    "round halves": f("in.d").round(0) == -2,
    "exp": f("in.d").exp() > 2,
    "log": f("in.d").log() > 0,
    "log10": f("in.d").log10() > 0,
    "clip": f("in.i").clip(0, 2) == 2,
    "between": f("in.d").is_between(-1, 1.25),
    "between, left": f("in.d").is_between(-1, 1.25, closed="left"),
    "is in": f("in.i").is_in([1, 3, -3]),
    "is in text": f("in.s").is_in(["a", "über"]),
    "is in floats": f("in.d").is_in([1.25, 0.5]),
    "is nan": f("in.d").is_nan(),
    "is not nan": f("in.d").is_not_nan(),
    "is finite": f("in.d").is_finite(),
    "nan is above": f("in.d") > 1,
    "nan is not above": ~(f("in.d") > 1),
    "nan is itself": f("in.d") == f("in.d"),
    "is null": f("in.n").is_null(),
    "is not null": f("in.n").is_not_null(),
    "null above": f("in.n") > 1,
    "null equal": f("in.n").eq_missing(f("in.d")),
    "null is not equal": f("in.n").ne_missing(1.5),
    "null text": f("in.m") == "a",
    "null text starts": ~f("in.m").str.starts_with("a"),
    "fill null": f("in.n").fill_null(2) == 2,
    "a null literal": f("in.i") > pl.lit(None),
    "all true": pl.lit(True),
    "text equal": f("in.s") == f("in.t"),
    "text less": f("in.s") < "b",
    "starts with": f("in.s").str.starts_with("a"),
    "starts with a column": f("in.s").str.starts_with(f("in.t")),
    "ends with": f("in.s").str.ends_with("c"),
    "contains": f("in.s").str.contains("b"),
    "contains a dot": f("in.s").str.contains("a.c"),
    "contains at the start": f("in.s").str.contains("^a|c$"),
    "contains a class": f("in.s").str.contains(r"[0-9]\d"),
    "contains literally": f("in.s").str.contains("a.c", literal=True),
    "bytes": f("in.s").str.lengths() == 5,
    "characters": f("in.s").str.n_chars() == 4,
    "upper": f("in.s").str.to_uppercase() == "ÜBER",
    "lower": f("in.t").str.to_lowercase() == "abc",
    "truth equals": f("in.b") == f("in.c"),
    "truth is one": f("in.b") == 1,
    "xor": f("in.b") ^ f("in.c"),
    "and with null": f("in.o") & f("in.b"),
    "or with null": f("in.o") | f("in.b"),
    "not null": ~f("in.o"),
    "any": pl.any_horizontal([f("in.b"), f("in.i") > 1]),
    "all": pl.all_horizontal([f("in.b"), f("in.i") > 1]),
    "when": pl.when(f("in.b")).then(f("in.i")).otherwise(7) > 1,
    "when null": pl.when(f("in.o")).then(1).otherwise(2) == 2,
    "cast to whole": f("in.f").cast(pl.Int64) == 2,
    "cast to float": f("in.i").cast(pl.Float64) / 2 == 0.5,
    "cast to float32": f("in.d").cast(pl.Float32) == f("in.f"),
    "cast to truth": f("in.i").cast(pl.Boolean),
    "cast of truth": f("in.b").cast(pl.Int64) + 1 == 2,
    "cast to text": f("in.i").cast(pl.Utf8) == "-3",
}


class Draw:
    """Expressions drawn by chance: the same for the same seed."""

    def __init__(self, seed):
        self._random = random.Random(seed)  # noqa: S311  # no secret

    def truth(self, depth):
        """One that is true or false."""
        choose = self._random.choice
        if depth <= 1:
            return choose([lambda: f("in.b"), lambda: f("in.o"), lambda: self.compared(1), self.text_test])()
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
