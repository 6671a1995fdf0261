/** A package of the workspace; `folder` is relative to the root, `directory` absolute. */
export interface WorkspacePackage {
  readonly folder: string;
  readonly directory: string;
  readonly manifest: {
    readonly name: string;
    readonly version: string;
    readonly private?: boolean;
    readonly bin?: Readonly<Record<string, string>>;
    readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  };
}

/** The folder of this workspace. */
export const root: string;

export function readManifest(file: string): Record<string, unknown>;

/** Every package of the workspace, in the order of its folders. */
export function workspacePackages(root: string): WorkspacePackage[];

/** Those that npm gets. */
export function publishedPackages(root: string): WorkspacePackage[];
