import { spawn } from "node:child_process";
import process from "node:process";
import { isCi } from "../core/environment/interactive.ts";

/** How the person's browser is started on each system, without a shell, which would interpret parts of the URL. */
const COMMANDS: Readonly<Partial<Record<NodeJS.Platform, readonly [file: string, ...args: string[]]>>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Variables of this program, which a browser doesn't need: they hold credentials, and URLs that may contain some. */
const OWN_VARIABLE_NAME_PATTERN = /^(?:HYDRA|OAUTH2|ORY)_/i;

/** Why no browser can be started here, for a message; undefined if one can. */
export function findBrowserObstacle(environment: (name: string) => string | undefined): string | undefined {
  const isSet = (name: string): boolean => (environment(name) ?? "") !== "";
  if (isCi(environment)) return "this is a CI job";
  if (isSet("SSH_CONNECTION")) return "this is an SSH session";
  const needsDisplay = process.platform !== "darwin" && process.platform !== "win32";
  return needsDisplay && !isSet("DISPLAY") && !isSet("WAYLAND_DISPLAY") ? "there is no display" : undefined;
}

/** Starts the person's browser. Calls back if that fails, now or later. */
export function openBrowser(url: string, onFailure: () => void): void {
  // A program that opens URLs also opens files and runs programs.
  if (!/^https?:\/\//i.test(url)) {
    onFailure();
    return;
  }
  const [file, ...args] = COMMANDS[process.platform] ?? ["xdg-open"];
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OWN_VARIABLE_NAME_PATTERN.test(name)));
  const child = spawn(file, [...args, url], { stdio: "ignore", detached: true, env });
  child.once("error", onFailure);
  child.once("exit", (status) => {
    if (status !== 0) onFailure();
  });
  // It may run for as long as the browser.
  child.unref();
}
