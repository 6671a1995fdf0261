// Installs what is missing: node tools/install.mjs
import { ensureInstalled } from "./ensure-installed.mjs";
import { root } from "./workspace.mjs";

ensureInstalled(root);
