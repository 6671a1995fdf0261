/** Names that configurations have: of the tools of this package, and of the forms of calls. Nothing else is loaded. */

/** Tools of this package. */
export const BUILT_IN_TOOLS = ["crop", "rotate", "mark", "measure", "calculate"] as const;
export type BuiltInToolName = (typeof BUILT_IN_TOOLS)[number];

/** Whether a name is that of a tool of this package. */
export function isBuiltInTool(name: string): name is BuiltInToolName {
  return (BUILT_IN_TOOLS as readonly string[]).includes(name);
}

/** How models write calls (turns/call-form.ts). */
export const CALL_FORMS = ["hermes", "deepeyes", "med", "mini-o3"] as const;
export type CallFormName = (typeof CALL_FORMS)[number];
