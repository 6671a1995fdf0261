import { expect, it } from "vitest";
import { withResources } from "./resources";

it("closes in the reverse order, after success and after failure, and goes on when one cannot be closed", async () => {
  const log: string[] = [];
  const open = async (name: string): Promise<string> => {
    log.push(`open ${name}`);
    return name;
  };
  const close = (name: string): void => {
    log.push(`close ${name}`);
    if (name === "b") throw new Error("b does not close");
  };
  const body = async (end: () => string): Promise<string> =>
    withResources(async (resources) => {
      for (const name of ["a", "b", "c"]) expect(await resources.open(open(name), close)).toBe(name);
      return end();
    });
  const all = ["open a", "open b", "open c", "close c", "close b", "close a"];
  await expect(body(() => "done")).rejects.toThrow("b does not close");
  expect(log.splice(0)).toEqual(all);
  await expect(
    body(() => {
      throw new Error("first");
    }),
  ).rejects.toThrow("first");
  expect(log.splice(0)).toEqual(all);
});

it("closes what was open when a further resource cannot be opened", async () => {
  const closed: string[] = [];
  const failing = withResources(async (resources) => {
    await resources.open("a", (name) => closed.push(name));
    await resources.open(Promise.reject(new Error("no room")), () => closed.push("never"));
  });
  await expect(failing).rejects.toThrow("no room");
  expect(closed).toEqual(["a"]);
});
