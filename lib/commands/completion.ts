import { type CheckedCommand, defineLeaf, singleResult } from "../command.ts";
import { COMPLETION_SCRIPTS } from "../core/completion/scripts.ts";
import { parseShellName, SHELLS } from "../core/completion/shells.ts";
import { FORMAT, GENERAL_FLAGS } from "../core/flags/shared-flags.ts";
import { usageError } from "../core/problem.ts";
import { joinWords, quote, suggestWord } from "../core/text.ts";

/** `completion`: the script that completes command lines of this program in a shell. */
export default defineLeaf({
  name: "completion",
  summary: "Print a shell completion script",
  about: [
    "Completes commands, flags of both syntaxes and their values (in a list, the last element), and client IDs from the server (1 s timeout).",
    "Client IDs need an endpoint, from the command line, the environment or the config file. HYDRA_COMPLETE_IDS=0 turns them off, for shells that complete as you type.",
    "The examples show the line for each shell: bash in ~/.bashrc, zsh into a directory of fpath before compinit, fish as shown, PowerShell (untested) in $PROFILE.",
  ],
  operands: { name: "SHELL", completes: "shell", least: 1, most: 1, help: `One of ${joinWords(SHELLS, "or")}` },
  flags: [FORMAT, ...GENERAL_FLAGS],
  examples: {
    "1.x": [
      ["completion bash > ~/.hydra.bash && . ~/.hydra.bash", "bash"],
      ["completion zsh > /usr/local/share/zsh/site-functions/_hydra", "zsh"],
      ["completion fish > ~/.config/fish/completions/hydra.fish", "fish"],
      ["completion powershell | Out-String | Invoke-Expression", "PowerShell"],
    ],
  },
  server: false,
  // A shell reads the script as it starts, whatever the settings are.
  usesOnlyFlags: () => true,
  format: "text",
  prepare(context): CheckedCommand {
    const [word = ""] = context.operands;
    const shell = parseShellName(word);
    const meant = suggestWord(word, SHELLS);
    const hint = meant === undefined ? "for example: hydra completion bash" : `did you mean ${meant}?`;
    return {
      problems:
        shell === undefined && context.operands.length > 0
          ? [usageError(`Unknown shell ${quote(word)}: supported are ${joinWords(SHELLS)}`, hint, "unknown-shell")]
          : [],
      run: async () => {
        const script = shell === undefined ? "" : COMPLETION_SCRIPTS[shell];
        const view = { columns: [], text: () => script.split("\n"), id: () => word };
        return singleResult(view, { shell: word, script });
      },
    };
  },
});
