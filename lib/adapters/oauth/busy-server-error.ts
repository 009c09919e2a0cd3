import type { HttpAnswer } from "../../core/network.ts";

/** A server that is overloaded, or that its gateway doesn't reach. */
export class BusyServerError extends Error {
  override readonly name = "BusyServerError";
  /** Its last answer. */
  readonly answer: HttpAnswer;
  /** Why it isn't asked again, as messages put it; undefined if it was asked only once. */
  readonly because: string | undefined;

  constructor(answer: HttpAnswer, because: string | undefined) {
    super(`the server answered ${answer.status}`);
    this.answer = answer;
    this.because = because;
  }
}
