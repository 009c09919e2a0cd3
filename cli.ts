import { createSystemHost } from "./lib/adapters/host.ts";
import { main } from "./lib/app/main.ts";

void main(createSystemHost()).then((status) => {
  process.exitCode = status;
});
