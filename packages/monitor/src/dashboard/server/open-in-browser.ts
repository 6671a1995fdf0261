import { spawn } from "node:child_process";

/** Opens the page where there is a person at a desktop; that it fails is no matter, the address is on the screen. */
export function openInBrowser(url: string): void {
  const [command, args] =
    process.platform === "darwin"
      ? ["open", [url]]
      : process.platform === "win32"
        ? ["explorer", [url]]
        : ["xdg-open", [url]];
  const hasScreen =
    process.platform !== "linux" || process.env.DISPLAY !== undefined || process.env.WAYLAND_DISPLAY !== undefined;
  if (!process.stdout.isTTY || !hasScreen || process.env.CI !== undefined) return;
  spawn(command as string, args as string[], { stdio: "ignore", detached: true })
    .on("error", () => undefined)
    .unref();
}
