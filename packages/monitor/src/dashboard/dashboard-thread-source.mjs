// The thread inside a clone, where it runs from its sources: tsx's --import does not reach threads, so it is registered here.
import { register } from "tsx/esm/api";

register();
await import("./dashboard-thread.ts");
