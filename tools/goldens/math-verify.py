"""Labels pairs (or strings) with PyPI's Math-Verify, so that anybody can extend the table that
@v-triune/verifiers/math is held against.

    python3 -m venv v && v/bin/pip install math-verify==0.9.0 antlr4-python3-runtime==4.13.2
    v/bin/python tools/goldens/math-verify.py IN.json|IN.txt OUT.json [--jobs 2]
    npm run parity -- OUT.json

IN.json is a list of strings, or of pairs {"gold": .., "pred": ..} with optional "extraction" (of "latex", "expr",
"string"), "boxed_match_priority" and "options" (precision, strict, allow_set_relation_comp). A string stands for the
pair of it with itself, as `$string$`, and for the pair with the next string. An earlier OUT.json is a valid IN.json:
its labels are made again. IN.txt has a gold answer and predictions a line, `gold || prediction || prediction ..`, or
formulas that are said to be equal, `first == second == ..`, of which the first stands for the gold of every other and
every other for the gold of the first. Formulas are put in dollar signs, unless they begin with `~`. Lines that begin
with `#` are remarks. OUT.json is the list of pairs with "expected": 1 (verify is true), 0 (false) or null (it raises
or is killed).
"""

import argparse
import json
import logging
import multiprocessing
import warnings

logging.disable(logging.CRITICAL)
warnings.filterwarnings("ignore")

from math_verify import ExprExtractionConfig, LatexExtractionConfig, StringExtractionConfig, parse, verify


def targets(pair):
    names = pair.get("extraction", ["latex", "expr"])
    priority = pair.get("boxed_match_priority", 50)
    made = {
        "latex": lambda: LatexExtractionConfig(boxed_match_priority=priority),
        "expr": ExprExtractionConfig,
        "string": StringExtractionConfig,
    }
    return [made[name]() for name in names]


def label(pair):
    options = pair.get("options", {})
    arguments = {key: options[key] for key in ("strict", "allow_set_relation_comp") if key in options}
    if "precision" in options:
        arguments["float_rounding"] = options["precision"]
    try:
        config = targets(pair)
        return int(verify(parse(pair["gold"], config), parse(pair["pred"], config), **arguments))
    except BaseException:
        return None


def pairs_of(rows):
    if rows and isinstance(rows[0], str):
        following = rows[1:] + rows[:1]
        return [
            {"gold": f"${a}$", "pred": f"${b}$"}
            for row in zip(rows, rows, following)
            for a, b in ((row[0], row[1]), (row[0], row[2]))
        ]
    return [{key: row[key] for key in row if key != "expected"} for row in rows]


def pairs_of_lines(lines):
    pairs = {}
    for line in lines:
        line = line.rstrip("\n")
        if not line or line.startswith("#"):
            continue
        separator = " == " if " == " in line and " || " not in line else " || "
        first, *others = [
            part[1:] if part.startswith("~") else f"${part}$" for part in map(str.strip, line.split(separator))
        ]
        for other in others:
            pairs[first, other] = None
            if separator == " == ":
                pairs[other, first] = None
    return [{"gold": gold, "pred": pred} for gold, pred in pairs]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("input")
    arguments.add_argument("output")
    arguments.add_argument("--jobs", type=int, default=1)
    options = arguments.parse_args()
    with open(options.input, encoding="utf8") as file:
        pairs = pairs_of_lines(file) if options.input.endswith(".txt") else pairs_of(json.load(file))
    with multiprocessing.Pool(options.jobs, maxtasksperchild=200) as pool:
        for pair, expected in zip(pairs, pool.imap(label, pairs, chunksize=10)):
            pair["expected"] = expected
    with open(options.output, "w", encoding="utf8") as file:
        rows = ",\n".join(json.dumps(pair, ensure_ascii=False, separators=(",", ":")) for pair in pairs)
        file.write(f"[\n{rows}\n]\n")
    print(
        f"{len(pairs)} pairs: {sum(p['expected'] == 1 for p in pairs)} equal, {sum(p['expected'] == 0 for p in pairs)} not, {sum(p['expected'] is None for p in pairs)} without a verdict"
    )


if __name__ == "__main__":
    main()
