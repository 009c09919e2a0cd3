/** The shells that completion is written for. */
export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

export type Shell = (typeof SHELLS)[number];

/** The shell with a name; undefined for any other name. */
export function parseShellName(name: string | undefined): Shell | undefined {
  return SHELLS.find((known) => known === name);
}
