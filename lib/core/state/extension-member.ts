/** The member of a client in a file that only `hydra apply` reads; it is never sent. */
export const EXTENSION = "x-hydra";
