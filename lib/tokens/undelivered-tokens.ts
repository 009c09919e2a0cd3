import type { CommandResult } from "../command.ts";
import { getTextField } from "../core/client/client.ts";
import { Problem, safeErrorReason } from "../core/problem.ts";

/**
 * Creates the handler for tokens that could not be written: it revokes them if nobody has any part of them, and returns
 * the problem.
 */
export function createUndeliveredTokensHandler(
  revoke: (token: string) => Promise<void>,
): Pick<CommandResult, "undelivered"> {
  return {
    async undelivered(lost, reason) {
      const start = `Cannot deliver the token: ${safeErrorReason(reason)}`;
      const details = { code: "undelivered", cause: reason } as const;
      const hint = "run the command again, and read its output";
      if (lost.some(({ partlyWritten }) => partlyWritten))
        return new Problem(`${start}; part of it may have been written`, { ...details, hint });
      const tokens = lost.flatMap(({ item }) =>
        // The refresh token's revocation also ends the access token of the same grant.
        ["refresh_token", "access_token"].flatMap((name) => getTextField(item, name) ?? []),
      );
      try {
        for (const token of tokens) await revoke(token);
        return new Problem(`${start}; it was revoked again`, { ...details, hint });
      } catch (error) {
        const left = `it stays valid until it expires, because it can't be revoked: ${safeErrorReason(error)}`;
        return new Problem(`${start}; ${left}`, { ...details, hint });
      }
    },
  };
}
