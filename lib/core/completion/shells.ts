/** The shells that completion is written for. */
export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

export type Shell = (typeof SHELLS)[number];

/** A shell by its name. */
export function parseShellName(name: string | undefined): Shell | undefined {
  return SHELLS.find((known) => known === name);
}
