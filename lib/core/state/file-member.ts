/** The member of a client in a file that is never sent to a server. */
export const FILE_MEMBER = "x-hydra";
