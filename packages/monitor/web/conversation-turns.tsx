import type { RolloutGroup, ShownCall, ShownConversation } from "../src/dashboard/dashboard-api";
import { count } from "./format";
import { ResponseText } from "./response-text";

const ENDS: Readonly<Record<string, string>> = {
  "over-turn": "It called a tool in its last turn.",
  length: "It was cut at the length limit.",
  budget: "Observations used up their tokens.",
};

/** An answer of several turns: what was written, where it looked in which picture, and what it was shown. */
export function ConversationTurns({
  conversation,
  pictures,
}: {
  conversation: ShownConversation;
  pictures: RolloutGroup["pictures"];
}) {
  const { turns, end } = conversation;
  const all = [...pictures, ...turns.flatMap(({ calls }) => calls.flatMap((call) => call.pictures))];
  return (
    <>
      <ol class="turns">
        {turns.map(({ text, tokens, shownTokens, calls }, index) => (
          <li key={index}>
            <h3>
              Turn {index + 1}{" "}
              <span class="muted">
                {count(tokens, "token")}
                {shownTokens > 0 && `, then shown ${count(shownTokens, "token")}`}
              </span>
            </h3>
            <ResponseText text={text} whole={text.length} />
            {calls.map((call, at) => (
              <Call key={at} call={call} pictures={all} />
            ))}
          </li>
        ))}
      </ol>
      {ENDS[end] !== undefined && <p class="bad">{ENDS[end]}</p>}
    </>
  );
}

function Call({ call, pictures }: { call: ShownCall; pictures: RolloutGroup["pictures"] }) {
  const { tool, arguments: given, text, failed, lookedAt } = call;
  const looked = lookedAt === null ? undefined : pictures[lookedAt.picture];
  return (
    <div class="call">
      <p>
        <b>{tool === "" ? "A call that cannot be read" : tool}</b> <code>{given}</code>
      </p>
      {text !== "" && <p class={failed ? "bad" : "muted"}>{text}</p>}
      <div class="looks">
        {looked !== undefined && lookedAt !== null && (
          <Look picture={looked} words={`Where it looked: picture ${lookedAt.picture + 1}`} box={lookedAt.box} />
        )}
        {call.pictures.map((picture, index) => (
          <Look key={index} picture={picture} words="What it was shown" />
        ))}
      </div>
    </div>
  );
}

function Look({
  picture: { width, height, source },
  words,
  box,
}: {
  picture: RolloutGroup["pictures"][number];
  words: string;
  box?: readonly [number, number, number, number];
}) {
  const [x1, y1, x2, y2] = box ?? [0, 0, 0, 0];
  const place = { left: `${x1 / 10}%`, top: `${y1 / 10}%`, width: `${(x2 - x1) / 10}%`, height: `${(y2 - y1) / 10}%` };
  return (
    <figure>
      <div
        class="picture"
        style={{ aspectRatio: `${width} / ${height}`, width: `${Math.min(200, (200 * width) / height)}px` }}
      >
        {source === null ? (
          <p class="muted">The picture is not at hand.</p>
        ) : (
          <img src={source} alt={words} class={width < 200 ? "small-picture" : ""} />
        )}
        {box !== undefined && <div class="box predicted" style={place} />}
      </div>
      <figcaption class="muted">{words}</figcaption>
    </figure>
  );
}
