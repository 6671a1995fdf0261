/** Runs the example files it is given in turn and prints a line with a record separator after each. */
import { pathToFileURL } from "node:url";

for (const file of process.argv.slice(2)) {
  await import(pathToFileURL(file).href);
  console.log("\u001e");
}
