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

export default {
  meta: { name: "v-triune" },
  rules: { "header-first": headerFirst, "hash-private": hashPrivate, "module-state": moduleState },
};
