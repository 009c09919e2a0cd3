export { type Sandbox, type SandboxOptions, startSandbox } from "./server.ts";

export { SANDBOX_VERSIONS, type SandboxVersion } from "./versions.ts";
