// Serves the sandbox over http and https on 127.0.0.1, under any name: the sandbox itself accepts only those of this machine.
//
//   node smoke-server.mjs URL KEY CERTIFICATE
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import process from "node:process";

const [, , sandbox, key, cert] = process.argv;

function forward(request, response) {
  const { host } = new URL(sandbox);
  const { method, headers } = request;
  const onward = http.request(new URL(request.url, sandbox), { method, headers: { ...headers, host } }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  request.pipe(onward);
}

const servers = {
  http: http.createServer(forward),
  https: https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, forward),
};

for (const [name, server] of Object.entries(servers)) {
  server.listen(0, "127.0.0.1", () => process.stdout.write(`${name}=${server.address().port}\n`));
}
