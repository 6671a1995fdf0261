import { expect, it } from "vitest";
import { serverAddress } from "./server-address";

it.each([
  ["http://127.0.0.1:8000", "http://127.0.0.1:8000"],
  ["http://127.0.0.1:8000/", "http://127.0.0.1:8000"],
  ["http://127.0.0.1:8000/v1", "http://127.0.0.1:8000"],
  ["http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000"],
  [" http://127.0.0.1:8000/v1/chat/completions", "http://127.0.0.1:8000"],
  ["https://models.example/team/v1", "https://models.example/team"],
  ["https://models.example/v1beta", "https://models.example/v1beta"],
  ["https://models.example/team-v1", "https://models.example/team-v1"],
])("reads %j as %s", (given, address) => {
  expect(serverAddress(given)).toBe(address);
});
