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
  const { serviceWorker } = navigator;
  const controlled = new Promise<void>((resolve) =>
    // A new worker, the first or that of a newer version, has kept nothing yet.
    serviceWorker.addEventListener("controllerchange", () => {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- it is a worker, not a window
      serviceWorker.controller?.postMessage(loadedFiles());
      resolve();
    }),
  );
  try {
    await serviceWorker.register("./service-worker.js");
    if (!serviceWorker.controller) await controlled;
  } catch (error) {
    console.info("The pages are not kept for use without a network:", error);
  }
}

/** Addresses of the page and of the site's files that it has loaded. */
function loadedFiles(): string[] {
  const site = new URL(".", location.href).href;
  const files = performance.getEntriesByType("resource").map(({ name }) => name);
  return [location.href.replace(/[?#].*$/, ""), ...files.filter((name) => name.startsWith(site))];
}
