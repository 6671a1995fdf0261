/** COCO's instances JSON, as far as benchmarks need it. */
import { isRecord } from "@v-triune/node-kit/is-record";
import { BenchmarkError } from "../benchmark-error";
import { field, isList, isNumber, isNumbers, isText, readJson } from "./layout";

export interface CocoObject {
  readonly label: string;
  readonly category: number;
  /** x, y, width, height in pixels. */
  readonly bbox: readonly [number, number, number, number];
  readonly area: number;
}

export interface CocoPicture {
  readonly fileName: string;
  readonly width: number;
  readonly height: number;
  /** OVDEval: the labels asked for, and hard negatives. */
  readonly text: readonly string[];
  readonly negatives: readonly string[];
}

export interface CocoFile {
  readonly path: string;
  readonly categories: ReadonlyMap<number, string>;
  readonly pictures: ReadonlyMap<number, CocoPicture>;
  /** Crowd regions left out. */
  readonly objects: readonly (CocoObject & { readonly picture: number })[];
}

/** @throws BenchmarkError when it is no instances file */
export function readCocoFile(path: string): CocoFile {
  const value = readJson(path);
  if (!isRecord(value))
    throw new BenchmarkError({
      what: "The annotations are not COCO's.",
      where: path,
      expected: "an object with images, annotations and categories",
      found: Array.isArray(value) ? "a list" : typeof value,
    });
  const records = (key: string) => field(value, key, isList, "a list of objects", path).filter(isRecord);
  const categories = new Map(
    records("categories").map((one) => [
      field(one, "id", isNumber, "a number", `${path}, categories`),
      field(one, "name", isText, "a name", `${path}, categories`),
    ]),
  );
  const texts = (list: unknown): string[] => (Array.isArray(list) ? list.filter(isText) : []);
  const pictures = new Map(
    records("images").map((one, index) => {
      const where = `${path}, images[${index}]`;
      return [
        field(one, "id", isNumber, "a number", where),
        {
          fileName: field(one, "file_name", isText, "a file name", where),
          width: field(one, "width", isNumber, "pixels", where),
          height: field(one, "height", isNumber, "pixels", where),
          text: texts(one["text"]),
          negatives: texts(one["neg_text"]),
        },
      ];
    }),
  );
  const objects = records("annotations").flatMap((one, index) => {
    if (one["iscrowd"] === 1 || one["iscrowd"] === true) return [];
    const where = `${path}, annotations[${index}]`;
    const [x = 0, y = 0, w = 0, h = 0] = field(one, "bbox", isNumbers, "[x, y, width, height]", where);
    const category = field(one, "category_id", isNumber, "a number", where);
    const label = categories.get(category);
    const picture = field(one, "image_id", isNumber, "a number", where);
    if (label === undefined || !pictures.has(picture))
      throw new BenchmarkError({
        what: "An annotation names a category or picture that is not in the file.",
        where,
        found: `category ${category}, picture ${picture}`,
      });
    return [
      { picture, label, category, bbox: [x, y, w, h] as const, area: isNumber(one["area"]) ? one["area"] : w * h },
    ];
  });
  return { path, categories, pictures, objects };
}

/** The objects of each picture that has any, in the order of the file's pictures. */
export function objectsByPicture(file: CocoFile): Map<number, CocoObject[]> {
  const groups = new Map<number, CocoObject[]>([...file.pictures.keys()].map((id) => [id, []]));
  for (const object of file.objects) groups.get(object.picture)!.push(object);
  for (const [id, objects] of groups) if (objects.length === 0) groups.delete(id);
  return groups;
}
