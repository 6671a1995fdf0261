/**
 * The JSON of a request as pieces of bytes. A picture that many rows share is encoded once; the pieces of its rows are
 * the same bytes.
 */
import { isRecord } from "@v-triune/node-kit/is-record";

/**
 * @param body plain data; a field that is undefined is left out
 * @example Buffer.concat(requestBody({ a: 1 })).toString() // {"a":1}
 */
export function requestBody(body: object): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const pictures = new Map<object, Uint8Array>();
  let text = "";
  const flush = (): void => {
    if (text !== "") pieces.push(Buffer.from(text));
    text = "";
  };
  const write = (value: unknown): void => {
    if (isPicture(value)) {
      flush();
      const known = pictures.get(value) ?? Buffer.from(JSON.stringify(value));
      pictures.set(value, known);
      pieces.push(known);
    } else if (Array.isArray(value) && typeof value[0] === "object") {
      value.forEach((item, index) => {
        text += index === 0 ? "[" : ",";
        write(item);
      });
      text += "]";
    } else if (isRecord(value)) {
      let separator = "{";
      for (const [name, item] of Object.entries(value)) {
        if (item === undefined) continue;
        text += `${separator}${JSON.stringify(name)}:`;
        separator = ",";
        write(item);
      }
      text += separator === "{" ? "{}" : "}";
    } else text += JSON.stringify(value);
  };
  write(body);
  flush();
  return pieces;
}

const isPicture = (value: unknown): value is object =>
  isRecord(value) && value["type"] === "image" && typeof value["data"] === "string";
