/**
 * No typed array and no list of numbers may leave `tf.tidy` or enter `tf.dispose`. Both search what they get for
 * tensors and visit a list number by number: 1 µs each, and a RangeError above 2^24 different numbers. The logits of a
 * real vocabulary have that many. Return the tensor and read it outside, as `takeValues` of @v-triune/policy does.
 */
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { options, fileNames } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile).config,
  ts.sys,
  root,
);
const TYPED_ARRAY = /^(Float|Int|Uint|BigInt|BigUint)\d+(Clamped)?Array$/;

/** "file:line call" of every `tidy` that returns a list of numbers and every `tf.dispose` that gets one. */
function findListsOfNumbers(program: ts.Program, files: readonly string[]): string[] {
  const checker = program.getTypeChecker();
  const found: string[] = [];

  const holdsNumbers = (type: ts.Type, at: ts.Node, seen = new Set<ts.Type>()): boolean => {
    if (seen.has(type)) return false;
    seen.add(type);
    const inner = (part: ts.Type): boolean => holdsNumbers(part, at, seen);
    if (type.isUnionOrIntersection()) return type.types.some(inner);
    if (TYPED_ARRAY.test(type.symbol?.name ?? "")) return true;
    if (checker.isArrayType(type) || checker.isTupleType(type))
      return checker
        .getTypeArguments(type as ts.TypeReference)
        .some((item) => (item.flags & ts.TypeFlags.NumberLike) !== 0 || inner(item));
    const isTensor = type.getProperty("dataId") !== undefined;
    const isPlainObject = (type.flags & ts.TypeFlags.Object) !== 0 && type.getCallSignatures().length === 0;
    if (isTensor || !isPlainObject) return false;
    return type.getProperties().some((property) => inner(checker.getTypeOfSymbolAtLocation(property, at)));
  };

  for (const file of files) {
    const source = program.getSourceFile(file)!;
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node)) {
        const name = node.expression.getText(source);
        const searched = /(^|\.)tidy$/.test(name) ? node : name === "tf.dispose" ? node.arguments[0] : undefined;
        if (searched && holdsNumbers(checker.getTypeAtLocation(searched), node)) {
          const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
          found.push(`${relative(root, file)}:${line + 1} ${name}`);
        }
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return found;
}

describe("lists of numbers in tf.tidy and tf.dispose", () => {
  it("are found, at any depth", () => {
    const file = join(root, "tools/planted.ts");
    const text = `import * as tf from "@tensorflow/tfjs-core";
      export const fine = tf.tidy(() => ({ sum: tf.ones([2]), all: [tf.zeros([1])], count: 3 }));
      tf.dispose([fine.sum, ...fine.all]);
      export const values = tf.tidy(() => tf.ones([2]).dataSync());
      export const nested = tf.tidy(() => ({ keys: [tf.ones([2])], rows: [tf.ones([2]).arraySync() as number[]] }));
      tf.dispose({ values: values as Float32Array });
    `;
    const host = ts.createCompilerHost(options);
    const getSourceFile = host.getSourceFile.bind(host);
    host.getSourceFile = (name, target) =>
      name === file ? ts.createSourceFile(name, text, target) : getSourceFile(name, target);
    expect(findListsOfNumbers(ts.createProgram([file], options, host), [file])).toEqual([
      "tools/planted.ts:4 tf.tidy",
      "tools/planted.ts:5 tf.tidy",
      "tools/planted.ts:6 tf.dispose",
    ]);
  });

  it("are nowhere in the repository", () => {
    const files = fileNames.filter((file) => /\b(tidy|tf\.dispose)\(/.test(readFileSync(file, "utf8")));
    expect(files.length).toBeGreaterThan(20);
    expect(findListsOfNumbers(ts.createProgram(files, options), files)).toEqual([]);
  });
});
