import { systemHost } from "./lib/adapters/host.ts";
import { main } from "./lib/app/main.ts";

void main(systemHost()).then((status) => {
  process.exitCode = status;
});
