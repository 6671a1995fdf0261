import { expect, it } from "vitest";
import { driverComplaint } from "./driver-complaint";

it("finds TensorFlow's reason among its start-up messages", () => {
  const log = [
    "2026-01-01 10:00:00.000000: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on.",
    "2026-01-01 10:00:00.000000: E external/cuda_driver.cc:152] failed call to cuInit: UNKNOWN ERROR (303)",
  ].join("\n");
  expect(driverComplaint(log)).toContain("failed call to cuInit: UNKNOWN ERROR (303)");
  expect(driverComplaint("all is well")).toBeUndefined();
});
