import { expect, it } from "vitest";
import { firstQuestions } from "./first-questions";
import { parseRoute } from "./route";

it.each([
  ["", []],
  ["#/runs", []],
  ["#/compare?runs=a", []],
  ["#/overview", []],
  ["#/overview?run=a%26b", ["/api/run?run=a%26b", "/api/alarms?run=a%26b"]],
  ["#/source?run=a&name=s", ["/api/run?run=a", "/api/alarms?run=a"]],
  ["#/sources?run=a&chart=m", ["/api/run?run=a"]],
  ["#/evaluation?run=a&metric=m", ["/api/evaluations?run=a&metric=m"]],
  ["#/changes?run=a&since=20", ["/api/changes?run=a&since=20"]],
  [
    "#/changes?run=a&beforeFrom=1&beforeTo=2&afterFrom=3&afterTo=4&scope=source&name=s",
    ["/api/answers?run=a&scope=source&name=s&beforeFrom=1&beforeTo=2&afterFrom=3&afterTo=4"],
  ],
  ["#/rollouts?run=a", ["/api/run?run=a"]],
  ["#/rollouts?run=a&step=3", ["/api/run?run=a", "/api/rollouts?run=a&step=3&offset=0&limit=100"]],
  ["#/rollouts?run=a&step=3&group=4", ["/api/group?run=a&step=3&group=4"]],
])("%s", (hash, addresses) => {
  expect(firstQuestions(parseRoute(hash))).toEqual(["/api/runs?", ...addresses]);
});
