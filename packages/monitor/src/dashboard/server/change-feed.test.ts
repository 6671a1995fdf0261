import { expect, it } from "vitest";
import { ChangeFeed } from "./change-feed";

it("tells listeners, and later ones what they missed", () => {
  const feed = new ChangeFeed();
  const start = feed.moment;
  const heard: unknown[] = [];
  const stop = feed.subscribe((...told) => heard.push(told));
  feed.tell(["a", "b"]);
  const later = feed.moment;
  feed.tell(["b"]);
  stop();
  feed.tell(["c"]);
  expect(heard).toEqual([
    [["a", "b"], later],
    [["b"], expect.not.stringMatching(later)],
  ]);
  expect(feed.since(start)).toEqual(["a", "b", "c"]);
  expect(feed.since(later)).toEqual(["b", "c"]);
  expect(feed.since(feed.moment)).toEqual([]);
});

it.each(["", "1", "another-server:1", ":"])("cannot tell since %j", (moment) => {
  const feed = new ChangeFeed();
  feed.tell(["a"]);
  expect(feed.since(moment)).toBeUndefined();
  expect(feed.since(`${feed.moment}x`)).toBeUndefined();
});
