/** The member of a client in a file that is never sent to a server. */
export const EXTENSION_MEMBER = "x-hydra";
