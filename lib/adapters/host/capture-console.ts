/**
 * Redirects what libraries write to the console to a listener; without one, it is dropped. Only results may go to standard
 * output, where a library's message would become part of a result. Returns the function that sets the listener.
 */
export function captureConsole(): (listener: (line: string) => void) => void {
  let listener = (_line: string): void => {};
  const report = (...parts: readonly unknown[]): void => {
    for (const line of parts.map(describePart).join(" ").split("\n")) listener(line);
  };
  // Every member is the same function. The runtime's own members are never read: one of them opens standard output.
  const value = new Proxy({}, { get: () => report, set: () => true });
  Object.defineProperty(globalThis, "console", { value, writable: true, configurable: true });
  return (next) => {
    listener = next;
  };
}

/** A part of a console line, without the contents of objects: they may contain secrets. */
function describePart(part: unknown): string {
  if (part instanceof Error) return part.message;
  return typeof part === "object" && part !== null ? Object.prototype.toString.call(part) : String(part);
}
