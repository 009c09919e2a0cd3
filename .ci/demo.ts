/** `npm run demo`: starts a sandbox on a free port and creates a client on it with the compiled program. */
import process from "node:process";
import { runBinary, withSandbox } from "../tests/e2e/binary.ts";

const COMMAND = [
  ...["clients", "create", "-n", "my app", "-c", "http://localhost/cb"],
  ...["-g", "authorization_code", "-r", "code", "-a", "core,foobar"],
];

async function demo(): Promise<number> {
  await using sandbox = await withSandbox("26");
  const shown = ["hydra", ...COMMAND.map((word) => (/\s/.test(word) ? `"${word}"` : word))].join(" ");
  process.stderr.write(`In-memory Hydra on ${sandbox.url}\n$ export HYDRA_ADMIN_URL=${sandbox.url}\n$ ${shown}\n`);
  const { status, stdout, stderr } = await runBinary(COMMAND, { env: { HYDRA_ADMIN_URL: sandbox.url } });
  process.stderr.write(stderr);
  process.stdout.write(stdout);
  const complete = /^OAuth 2\.0 Client ID: \S+\nOAuth 2\.0 Client Secret: \S+\n$/.test(stdout);
  return status === 0 && complete ? 0 : (status ?? 0) || 1;
}

process.exitCode = await demo();
