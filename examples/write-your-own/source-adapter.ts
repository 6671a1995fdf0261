import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adapters, curate, type SourceAdapter } from "@v-triune/data-filters";
import { checkSourceAdapter } from "@v-triune/data-filters/conformance";
import { DatasetError, sourceInfo } from "@v-triune/schema";
import sharp from "sharp";

// YOLO's layout: images/NAME.png beside labels/NAME.txt, whose lines are
// "class centerX centerY width height" in shares of the picture, and classes.txt.
const yolo: SourceAdapter = {
  info: {
    ...sourceInfo("v3det"), // a source of the same task; what differs follows
    key: "yolo",
    title: "Boxes in YOLO's layout",
    dataSource: "yolo",
    fileSource: "yolo",
    owner: "own data",
    license: "own data",
    url: "",
    size: "",
    files: ["classes.txt", "images/*.png", "labels/*.txt"],
  },
  async *read({ folder, bad }) {
    const classFile = join(folder, "classes.txt");
    if (!existsSync(classFile))
      throw new DatasetError({
        code: "wrong-layout",
        file: folder,
        expected: "classes.txt, images/*.png and labels/*.txt",
        found: "no classes.txt",
      });
    const classes = readFileSync(classFile, "utf8").trim().split("\n");
    for (const name of readdirSync(join(folder, "images")).sort()) {
      const id = name.replace(/\.png$/, "");
      const file = join(folder, "labels", `${id}.txt`);
      if (!existsSync(file)) {
        bad(
          new DatasetError({
            code: "missing-file",
            file,
            expected: "labels",
            found: "none",
          }),
        );
        continue;
      }
      const lines = readFileSync(file, "utf8").trim().split("\n");
      yield {
        id,
        question: `Find every ${classes.join(" and ")}.`,
        answer: "",
        pictures: [{ name, file: join(folder, "images", name) }],
        boxUnit: "relative", // the grid of 0..1000; pixels when the picture's size is known
        boxes: lines.map((line) => {
          const [at = 0, x = 0, y = 0, width = 0, height = 0] = line.split(" ").map(Number);
          return {
            x1: 1000 * (x - width / 2),
            y1: 1000 * (y - height / 2),
            x2: 1000 * (x + width / 2),
            y2: 1000 * (y + height / 2),
            label: classes[at] ?? "",
          };
        }),
      };
    }
  },
};

// A folder in this layout with one picture.
const folder = mkdtempSync(join(tmpdir(), "yolo-"));
const own = join(folder, "squares");
for (const name of ["images", "labels"]) mkdirSync(join(own, name), { recursive: true });
const picture = { width: 200, height: 100, channels: 3 as const, background: "#7a7468" };
await sharp({ create: picture }).png().toFile(join(own, "images/first.png"));
writeFileSync(join(own, "labels/first.txt"), "0 0.5 0.5 0.25 0.5\n");
writeFileSync(join(own, "classes.txt"), "square\n");

const findings = await checkSourceAdapter(yolo, own);
console.log(findings); // an empty list: it keeps the contract

const report = await curate(
  {
    sources: [{ source: "yolo", path: own }],
    rules: ["has-boxes"],
    output: join(folder, "corpus"),
  },
  { adapters: [yolo, ...adapters] },
);
console.log(report.files.map(({ name }) => name));
// []
// [ 'train_detection_yolo_1.parquet' ]
