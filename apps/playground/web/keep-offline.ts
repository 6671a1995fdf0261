/** Longest wait for a service worker that is being installed, in milliseconds. */
const PATIENCE = 1500;

/**
 * Registers the service worker, which keeps what is fetched from then on, and tells it what the page has loaded before.
 * A page without one works, online.
 */
export async function keepOffline(): Promise<void> {
  await Promise.race([registerWorker(), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
}

async function registerWorker(): Promise<void> {
  // The files of a server for development change.
  if (import.meta.env.MODE !== "production" || !("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("./service-worker.js");
    const { active } = await navigator.serviceWorker.ready;
    if (navigator.serviceWorker.controller) return;
    const controlled = new Promise((resolve) =>
      navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }),
    );
    const own = performance
      .getEntriesByType("resource")
      .map(({ name }) => name)
      .filter((name) => name.startsWith(new URL(".", location.href).href));
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- it is a worker, not a window
    active?.postMessage([location.href.replace(/[?#].*$/, ""), ...own]);
    if (!navigator.serviceWorker.controller) await controlled;
  } catch (error) {
    console.info("The pages are not kept for use without a network:", error);
  }
}
