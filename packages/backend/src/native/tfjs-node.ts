/** The npm package whose kernels the native backend uses and whose sources its addon is compiled from. */

/** What installs it: without its install script, which downloads from a host that is gone. */
export const INSTALL_TFJS_NODE = "npm install --ignore-scripts @tensorflow/tfjs-node@4.22.0";

/** The `code` of a BackendError that says that the package is missing. */
export const TFJS_NODE_MISSING = "tfjs-node";
