import { VTriuneError } from "@v-triune/errors";

class PortError extends VTriuneError {
  override readonly name = "PortError";
  declare readonly code: "in-use" | "forbidden";
}

try {
  throw new PortError({
    what: "The port is in use.",
    where: "--port 8000",
    fix: "choose another port",
    code: "in-use",
  });
} catch (error) {
  if (VTriuneError.isInstance(error)) console.log(error.message);
}
// The port is in use.
//   where:    --port 8000
//   fix:      choose another port
