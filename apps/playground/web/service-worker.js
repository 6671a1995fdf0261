// Keeps what a visit has loaded, so that the pages work without a network afterwards. Names of assets hold a hash of
// their content: what is kept is never old. Pages are asked for first and taken from the cache only without a network.
const CACHE = "v-triune-VERSION";

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) =>
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
      .then(() => clients.claim()),
  ),
);
// What the page had loaded before this worker was there.
addEventListener("message", (event) =>
  event.waitUntil(
    caches.open(CACHE).then((cache) => Promise.all(event.data.map((url) => cache.add(url).catch(() => undefined)))),
  ),
);
addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(registration.scope)) return;
  event.respondWith(request.mode === "navigate" ? fromNetworkFirst(request) : fromCacheFirst(request));
});

async function fetchAndKeep(request, name = request) {
  const response = await fetch(request);
  if (response.ok) (await caches.open(CACHE)).put(name, response.clone());
  return response;
}

async function fromCacheFirst(request) {
  return (await caches.match(request)) ?? fetchAndKeep(request);
}

/** A page is the same for every query: a run's settings are read by its script. */
async function fromNetworkFirst(request) {
  const name = request.url.replace(/[?#].*$/, "");
  return fetchAndKeep(request, name).catch(async (error) => {
    const kept = await caches.match(name);
    if (kept) return kept;
    throw error;
  });
}
