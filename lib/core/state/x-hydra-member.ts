/** The member of a client in a file that is never sent to a server. */
export const X_HYDRA_MEMBER = "x-hydra";
