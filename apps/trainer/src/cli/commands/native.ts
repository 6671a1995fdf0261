import { textOption, type Command } from "../syntax/command";

const ACTIONS = ["install", "verify", "uninstall"] as const;

/** Today's TensorFlow for this user. */
export const nativeCommand: Command = {
  meta: { name: "native", description: "Install native TensorFlow; v-triune doctor measures it" },
  args: {
    action: { type: "positional", description: "install, verify or uninstall" },
    cuda: { type: "boolean", description: "The build for NVIDIA GPUs (Linux x64)" },
    force: { type: "boolean", description: "Install again, or remove a folder that this command did not make" },
    library: {
      type: "string",
      valueHint: "folder",
      description: "Use the TensorFlow in this folder; nothing is downloaded",
    },
    requirement: {
      type: "string",
      valueHint: "package",
      description: "Another pip requirement, e.g. tensorflow-cpu==2.20.0",
    },
    "pip-argument": {
      type: "string",
      valueHint: "argument",
      description: "One more argument for pip, e.g. --pip-argument=--no-cache-dir; may be repeated",
    },
  },
  firstArguments: ACTIONS,
  examples: ["v-triune native install", "v-triune native install --cuda", "v-triune native uninstall"],
  notes:
    "Needs Python 3 with pip and a C++ compiler; changes nothing outside its own folder, which v-triune doctor names.",
  async execute(context) {
    const { args, values, output } = context;
    const { formatNativeStatus, installNative, uninstallNative, verifyNative } = await import("@v-triune/backend");
    const { UsageError } = await import("../../errors");
    const action = textOption(context, "action");
    const cuda = args["cuda"] === true;
    const force = args["force"] === true;
    if (action === "install") {
      const library = textOption(context, "library");
      const requirement = textOption(context, "requirement");
      const installed = await installNative({
        cuda,
        force,
        ...(library === undefined ? {} : { library }),
        ...(requirement === undefined ? {} : { requirement }),
        pipArguments: values.get("pip-argument") ?? [],
        onProgress: ({ message, seconds }) => output.out(`${seconds.toFixed(1).padStart(6)} s  ${message}\n`),
      });
      if (installed.changed) output.out("v-triune uses it from now on; v-triune doctor shows how fast it is.\n");
      return 0;
    }
    if (action === "verify") {
      const status = await verifyNative({ cuda });
      output.out(formatNativeStatus(status));
      return status.state === "sound" ? 0 : 1;
    }
    if (action === "uninstall") {
      const removed = uninstallNative({ ...(cuda ? { variant: "cuda" as const } : {}), force });
      output.out(
        removed.length === 0
          ? "Nothing was installed.\n"
          : `Removed:\n${removed.map((folder) => `  ${folder}\n`).join("")}`,
      );
      return 0;
    }
    const { nearest } = await import("@v-triune/errors");
    const meant = nearest(String(action), ACTIONS);
    throw new UsageError({
      what: `v-triune native can't "${String(action)}".`,
      expected: `one of ${ACTIONS.join(", ")}`,
      fix: meant === null ? "see v-triune native --help" : `did you mean "v-triune native ${meant}"?`,
    });
  },
};
