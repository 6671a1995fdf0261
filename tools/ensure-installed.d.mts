/** Whether node_modules has every package that package-lock.json names, in its version. */
export function isInstalled(root: string): boolean;

/** Runs `npm ci` if it does not. */
export function ensureInstalled(root: string): void;
