import { command, type PreparedCommand, single } from "../command.ts";
import { SCRIPTS } from "../core/completion/scripts.ts";
import { SHELLS, shellNamed } from "../core/completion/shells.ts";
import { FORMAT, GENERAL_FLAGS } from "../core/flags/flag-table.ts";
import { usageError } from "../core/problem.ts";
import { joined, quote, suggest } from "../core/text.ts";

/** `completion`: the script that makes a shell complete command lines of this program. */
export const completion = command({
  name: "completion",
  summary: "Print the script that completes command lines in a shell",
  about: [
    "Commands, flags of either grammar and their values are completed, in a list the last element; where the id of a client can stand, the ids that the server tells within a second.",
    "The server is asked for ids alone, with the settings of the line, the environment and the config file, and without an endpoint not at all. HYDRA_COMPLETE_IDS=0 turns that off, for a shell that completes while you type.",
    "bash: put the first example into ~/.bashrc. zsh: put the second into a folder of fpath before compinit, named _hydra. fish: the third. PowerShell, untested: put the fourth into $PROFILE.",
  ],
  operands: { name: "SHELL", least: 1, most: 1, help: `One of ${joined(SHELLS, "or")}` },
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
  format: { "1.x": "text", "2.x": "text" },
  prepare(context): PreparedCommand {
    const [word = ""] = context.operands;
    const shell = shellNamed(word);
    const meant = suggest(word, SHELLS);
    const hint = meant === undefined ? "write hydra completion bash, for example" : `did you mean ${meant}?`;
    return {
      problems:
        shell === undefined && word !== ""
          ? [
              usageError(
                `There is no completion for ${quote(word)}: the shells are ${joined(SHELLS)}`,
                hint,
                "unknown-shell",
              ),
            ]
          : [],
      run: async () => {
        const script = SCRIPTS[shell ?? "bash"];
        const view = { columns: [], text: () => script.split("\n"), id: () => word };
        // A config file that asks for JSON means results, not what a shell is about to read.
        const asked = context.values.origin(FORMAT).from === "flag";
        return single(view, { shell: word, script }, asked ? {} : { format: { kind: "text" } });
      },
    };
  },
});
