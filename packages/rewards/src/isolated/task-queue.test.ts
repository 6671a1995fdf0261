import { describe, expect, it } from "vitest";
import { CLOSED_OUTCOME } from "../stream-through";
import { Task, TaskQueue } from "./task-queue";

const task = (response: string) => new Task({ response, verifier: "any", sample: { groundTruth: "" } });
const responses = (queue: TaskQueue) => {
  const found: string[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take()) found.push(next.request.response);
  return found;
};

describe("TaskQueue", () => {
  it("gives tasks in their order, those put back first, canceled ones never", () => {
    const queue = new TaskQueue();
    const [a, b, c, d] = ["a", "b", "c", "d"].map(task) as [Task, Task, Task, Task];
    for (const each of [a, b, c, d]) queue.push(each);
    expect(queue.take()).toBe(a);
    expect(queue.take()).toBe(b);
    c.cancel();
    b.settle(CLOSED_OUTCOME);
    queue.putBack([a, b]);
    expect(queue.waiting).toBe(3);
    expect(responses(queue)).toEqual(["a", "d"]);
    expect(queue.waiting).toBe(0);
  });

  it("keeps the order of many tasks, taken and put back in between", () => {
    const queue = new TaskQueue();
    const expected = Array.from({ length: 5000 }, (_, i) => String(i));
    for (const each of expected) queue.push(task(each));
    const taken = Array.from({ length: 1500 }, () => queue.take() as Task);
    queue.putBack(taken.slice(-100));
    expect(queue.waiting).toBe(3600);
    expect([...taken.slice(0, 1400).map(({ request }) => request.response), ...responses(queue)]).toEqual(expected);
  });

  it("gives what waits when it is cleared", () => {
    const queue = new TaskQueue();
    for (const each of ["a", "b", "c"]) queue.push(task(each));
    queue.take();
    expect(queue.clear().map(({ request }) => request.response)).toEqual(["b", "c"]);
    expect(queue.waiting).toBe(0);
    expect(queue.take()).toBeUndefined();
  });
});
