/**
 * Rules of oxlint for the style of this repository. An exception is a comment at its place, with the reason:
 * // oxlint-disable-next-line v-triune/module-state -- a cache, no result depends on it
 */

/** The comment that explains a file is the first thing a reader sees, before the imports. */
const headerFirst = {
  meta: {
    type: "layout",
    fixable: "code",
    messages: { late: "The comment about the whole file must be above its imports." },
  },
  create(context) {
    const { sourceCode } = context;
    return {
      Program({ body }) {
        const imports = body.filter((node) => node.type === "ImportDeclaration");
        const [first, last] = [imports[0], imports.at(-1)];
        if (first === undefined || sourceCode.getCommentsBefore(first).length > 0) return;
        const header = sourceCode.getCommentsAfter(last)[0];
        if (header?.type !== "Block" || !header.value.startsWith("*")) return;
        const text = sourceCode.getText();
        const [start, end] = header.range;
        const gap = /^\s*/.exec(text.slice(end))[0];
        // A comment that touches a declaration is about that declaration.
        const isDetached = gap.split("\n").length > 2 || end + gap.length === text.length;
        if (!isDetached) return;
        context.report({
          loc: header.loc,
          messageId: "late",
          fix: (fixer) => [
            fixer.insertTextBefore(first, `${text.slice(start, end)}\n`),
            fixer.removeRange([start, end + gap.length]),
          ],
        });
      },
    };
  },
};

/** Members that only the class uses are private at run time too. */
const hashPrivate = {
  meta: {
    type: "suggestion",
    messages: {
      member: "Use #{{name}} instead of private {{name}}.",
      parameter: "Use a field #{{name}}, set in the constructor, instead of a private parameter.",
    },
  },
  create(context) {
    const report = (node, messageId, key) => {
      if (node.accessibility === "private") context.report({ node, messageId, data: { name: key.name ?? "member" } });
    };
    return {
      PropertyDefinition: (node) => report(node, "member", node.key),
      MethodDefinition: (node) => node.kind !== "constructor" && report(node, "member", node.key),
      TSParameterProperty: (node) => report(node, "parameter", node.parameter.left ?? node.parameter),
    };
  },
};

/** What a function computes depends on its arguments, not on what was called before. */
const moduleState = {
  meta: {
    type: "problem",
    messages: { state: "Do not keep state in a module. Keep it in an object that functions receive or own." },
  },
  create(context) {
    return {
      Program({ body }) {
        for (const statement of body) {
          const declaration = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
          if (declaration?.type === "VariableDeclaration" && declaration.kind === "let")
            context.report({ node: declaration, messageId: "state" });
        }
      },
    };
  },
};

const ERRORS = "@v-triune/errors";
const NODE_KIT = "@v-triune/node-kit";
/** Functions that several packages once wrote for themselves, and where they are now. */
const HOMES = new Map([
  ["isRecord", `${NODE_KIT}/is-record`],
  ["isObject", `${NODE_KIT}/is-record`],
  ["isPlainObject", `${NODE_KIT}/is-record`],
  ["isProcessAlive", `${NODE_KIT}/is-process-alive`],
  ["describeValue", ERRORS],
  ["nearestName", ERRORS],
  ["wrapText", ERRORS],
]);
const FILE_SYSTEM = new Set(["fs", "fs/promises", "node:fs", "node:fs/promises"]);

/** One idea has one function. */
const noCopies = {
  meta: {
    type: "suggestion",
    messages: {
      name: "Import {{name}} from {{home}}, or give another idea another name.",
      alive: `Use isProcessAlive of ${NODE_KIT}/is-process-alive.`,
      rename: `Write files by ${NODE_KIT}/atomic-write, which also syncs them; rename alone can lose one.`,
    },
  },
  create(context) {
    const check = (node, name) => {
      const home = HOMES.get(name);
      if (home !== undefined) context.report({ node, messageId: "name", data: { name, home } });
    };
    return {
      FunctionDeclaration: ({ id }) => id && check(id, id.name),
      VariableDeclarator({ id, init }) {
        const isFunction = init?.type === "ArrowFunctionExpression" || init?.type === "FunctionExpression";
        if (isFunction && id.type === "Identifier") check(id, id.name);
      },
      CallExpression(node) {
        const { callee, arguments: given } = node;
        const isKill =
          callee.type === "MemberExpression" && callee.object.name === "process" && callee.property.name === "kill";
        if (isKill && given[1]?.value === 0) context.report({ node, messageId: "alive" });
      },
      ImportDeclaration({ source, specifiers }) {
        if (!FILE_SYSTEM.has(source.value)) return;
        for (const node of specifiers)
          if (["rename", "renameSync"].includes(node.imported?.name)) context.report({ node, messageId: "rename" });
      },
    };
  },
};

export default {
  meta: { name: "v-triune" },
  rules: {
    "header-first": headerFirst,
    "hash-private": hashPrivate,
    "module-state": moduleState,
    "no-copies": noCopies,
  },
};
