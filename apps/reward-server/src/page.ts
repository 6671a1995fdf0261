/**
 * The page at `/` for browsers: live counters from `/metrics` and a form to try a verifier. One file; what comes from
 * the server or the form is only set as text.
 */
import { PAGE_EXAMPLES } from "./page-examples";

/** Allows the page's own style and script, and requests to this server. */
export const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * Makes the page.
 *
 * @param verifiers the names offered in the form
 * @param token whether requests need a token, for which the page then has a field
 */
export function serverPage({
  version,
  verifiers,
  token,
}: {
  readonly version: string;
  readonly verifiers: readonly string[];
  readonly token: boolean;
}): string {
  const options = verifiers.map((name) => `<option>${escapeHtml(name)}</option>`).join("");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>V-Triune reward server</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 54rem; margin: 2rem auto; padding: 0 1rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .75rem; }
dl div { border: 1px solid #8886; border-radius: .4rem; padding: .5rem .75rem; }
dt { font-size: .85rem; } dd { margin: 0; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
label { display: block; margin: .75rem 0; } textarea, select, input { display: block; width: 100%; box-sizing: border-box; font: inherit; }
textarea, pre { font-family: ui-monospace, monospace; font-size: .9rem; } pre { white-space: pre-wrap; border: 1px solid #8886; border-radius: .4rem; padding: .75rem; min-height: 1.5rem; }
button { font: inherit; padding: .4rem 1.2rem; }
html { background: #fff; color: #1a1a1a; } a { color: #0645ad; }
@media (prefers-color-scheme: dark) { html { background: #17181a; color: #e8e8e8; } a { color: #8ab4f8; } }
</style>
</head>
<body>
<main>
<h1>V-Triune reward server</h1>
<p>Version ${escapeHtml(version)}. The contract is in <a href="openapi.json">openapi.json</a>, the counters in <a href="metrics">metrics</a>.</p>
<h2 id="now">Now</h2>
<dl aria-labelledby="now">
${COUNTERS.map(([id, label]) => `<div><dt>${label}</dt><dd id="${id}">…</dd></div>`).join("\n")}
</dl>
<p id="state" role="status"></p>
<h2>Try a verifier</h2>
<form id="form">
${token ? '<label>Bearer token <input id="token" type="password" autocomplete="off"></label>' : ""}
<label>Verifier <select id="verifier">${options}</select></label>
<label>Response <textarea id="response" rows="4" spellcheck="false"></textarea></label>
<label>Gold answer <textarea id="gold" rows="2" spellcheck="false"></textarea></label>
<label>Parameters, JSON <textarea id="params" rows="2" spellcheck="false">{}</textarea></label>
<button>Judge</button>
</form>
<h3 id="verdict-title">Verdict</h3>
<pre id="verdict" aria-labelledby="verdict-title" aria-live="polite"></pre>
</main>
<script>
const at = (id) => document.getElementById(id);
const headers = () => (at("token") && at("token").value ? { authorization: "Bearer " + at("token").value } : {});
const sum = (text, name) => text.split("\\n").reduce((total, line) => {
  const rest = line.startsWith(name) ? line.slice(name.length) : "";
  return rest[0] === " " || rest[0] === "{" ? total + Number(line.slice(line.lastIndexOf(" ") + 1)) : total;
}, 0);
let last;
async function look() {
  try {
    const reply = await fetch("metrics", { headers: headers() });
    if (!reply.ok) throw new Error(reply.status === 401 ? "The counters need the bearer token." : "The server answered " + reply.status + ".");
    const text = await reply.text();
    const verdicts = sum(text, "v_triune_reward_verdict_seconds_count");
    const now = performance.now();
    at("verdicts").textContent = verdicts.toLocaleString("en");
    at("rate").textContent = last ? Math.round(Math.max(0, verdicts - last.verdicts) / (now - last.now) * 1000).toLocaleString("en") : "0";
    last = { verdicts, now };
    for (const id of ["accepted", "workers_ready", "timeouts_total", "crashes_total"]) at(id).textContent = sum(text, "v_triune_reward_" + id).toLocaleString("en");
    at("state").textContent = "";
  } catch (error) {
    at("state").textContent = String(error.message || error);
  }
  setTimeout(look, document.hidden ? 10000 : 1000);
}
look();
const examples = ${JSON.stringify(PAGE_EXAMPLES).replaceAll("<", "\\u003c")};
const show = () => {
  const example = examples[at("verifier").value] || examples.mathverify;
  at("response").value = example.response;
  at("gold").value = example.gold;
  at("params").value = JSON.stringify(example.params);
  at("verdict").textContent = "";
};
at("verifier").addEventListener("change", show);
show();
at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  at("verdict").textContent = "…";
  try {
    const params = JSON.parse(at("params").value || "{}");
    const body = JSON.stringify({ requests: [{ response: at("response").value, verifier: at("verifier").value, ground_truth: at("gold").value, params }] });
    const reply = await fetch("v1/score", { method: "POST", headers: { "content-type": "application/json", ...headers() }, body });
    const found = await reply.json();
    at("verdict").textContent = JSON.stringify(reply.ok ? found.results[0] : found.error, null, 2);
  } catch (error) {
    at("verdict").textContent = String(error.message || error);
  }
});
</script>
</body>
</html>
`;
}

const COUNTERS = [
  ["verdicts", "Verdicts"],
  ["rate", "Per second"],
  ["accepted", "Waiting or running"],
  ["workers_ready", "Workers ready"],
  ["timeouts_total", "Timeouts"],
  ["crashes_total", "Crashes"],
] as const;

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
