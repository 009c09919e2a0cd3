/** Only inspected as an object, never written to. `deno check` doesn't include the global. */
declare const console: object;

/**
 * Redirects what libraries write to the console to a listener; without one, it is dropped. Only results may go to standard
 * output, where a library's message would become part of a result. Returns the function that sets the listener.
 */
export function captureConsole(): (listener: (line: string) => void) => void {
  let listener = (_line: string): void => {};
  const report = (...parts: readonly unknown[]): void => {
    for (const line of parts.map(describePart).join(" ").split("\n")) listener(line);
  };
  for (const name of Object.getOwnPropertyNames(console)) {
    // Only methods: reading `_stdout` would open the runtime's own stream, which makes pipes non-blocking.
    if (!/^[a-z]/.test(name) || typeof Reflect.get(console, name) !== "function") continue;
    Object.defineProperty(console, name, { value: report, writable: true, configurable: true, enumerable: true });
  }
  return (next) => {
    listener = next;
  };
}

/** A part of a console line, without the contents of objects: they may contain secrets. */
function describePart(part: unknown): string {
  if (part instanceof Error) return part.message;
  return typeof part === "object" && part !== null ? Object.prototype.toString.call(part) : String(part);
}
