import type { Shell } from "./shells.ts";

/**
 * The scripts contain no command and no flag: at each Tab they ask the program on the line, which answers from its own
 * tables. So a script always fits its program, and both spellings of the commands come from one place.
 */
const BASH = `# Completion of hydra for bash 3.2 and later: source <(hydra completion bash)
_hydra_complete() {
  local program=$1 kind='' skip=0 line path
  COMPREPLY=()
  # The most useful flags come first; bash before 4.4 sorts by name.
  compopt -o nosort 2>/dev/null
  type -P -- "$program" >/dev/null 2>&1 || program=hydra
  while IFS= read -r line; do
    if [[ -z $kind ]]; then
      kind=\${line% *} skip=\${line#* }
    else
      COMPREPLY+=("$line")
    fi
  done < <("$program" __complete bash "\${COMP_LINE:0:COMP_POINT}" "$2" "$COMP_TYPE" "\${COLUMNS:-80}" </dev/null 2>/dev/null)
  if [[ $kind == files && $skip == 0 ]]; then
    # Readline completes names of files by itself where there is no other answer.
    compopt +o nospace 2>/dev/null
  elif [[ $kind == files || $kind == folders ]]; then
    compopt +o default 2>/dev/null
    local action=file
    [[ $kind == folders ]] && action=directory
    while IFS= read -r path; do
      if [[ -d $path ]]; then line=/; else line=' '; fi
      printf -v path '%q' "$path"
      COMPREPLY+=("\${2:0:skip}$path$line")
    done < <(compgen -A "$action" -- "\${2:skip}")
  else
    compopt +o default 2>/dev/null
  fi
}
complete -o default -o nospace -F _hydra_complete hydra`;

const ZSH = `#compdef hydra
# Completion of hydra for zsh: a file named _hydra in a directory of fpath, or source <(hydra completion zsh)
_hydra() {
  local program=$words[1] line
  local -a answer head whole open
  (( $+commands[$program] )) || [[ -x $program ]] || program=hydra
  answer=("\${(@f)$("$program" __complete zsh "\${(@Q)words[2,CURRENT-1]}" "$PREFIX" </dev/null 2>/dev/null)}")
  head=(\${=answer[1]})
  (( \${head[2]:-0} )) && compset -p $head[2]
  case $head[1] in
    files) _files; return ;;
    folders) _files -/; return ;;
  esac
  for line in "\${(@)answer[2,-1]}"; do
    case $line in
      +*) whole+=("\${line[2,-1]}") ;;
      -*) open+=("\${line[2,-1]}") ;;
    esac
  done
  _describe -V -t values hydra whole -- open -S ''
}
if [[ $funcstack[1] == _hydra ]]; then
  _hydra "$@"
else
  compdef _hydra hydra
fi`;

const FISH = `# Completion of hydra for fish: hydra completion fish > ~/.config/fish/completions/hydra.fish
function __hydra_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    type -q -- $program; or set program hydra
    set -l answer (command $program __complete fish $words "$word" </dev/null 2>/dev/null)
    set -l head (string split ' ' -- $answer[1])
    set -e answer[1]
    switch "$head[1]"
        case files folders
            # The word without its quotes, of which the program counts the letters.
            set -l before (string sub -l $head[2] -- $answer[1])
            set -l rest (string sub -s (math $head[2] + 1) -- $answer[1])
            set -l paths (__fish_complete_directories "$rest" '')
            test $head[1] = files; and set paths (__fish_complete_path "$rest")
            for path in $paths
                printf '%s\\n' "$before$path"
            end
        case words
            printf '%s\\n' $answer
    end
end
complete -c hydra -f -k -a '(__hydra_complete)'`;

const POWERSHELL = `# Completion of hydra for PowerShell: hydra completion powershell | Out-String | Invoke-Expression
# Not tested: there is no PowerShell where this program is tested.
Register-ArgumentCompleter -Native -CommandName hydra -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $length = [Math]::Max(0, $cursorPosition - $commandAst.Extent.StartOffset)
  # What is one argument for older versions must not hold double quotes.
  $line = $commandAst.ToString().PadRight($length).Substring(0, $length).Replace('"', "'")
  # The value of the word, and not the word as it is typed: a path may be in quotes.
  $program = $commandAst.GetCommandName()
  if (-not $program) { $program = 'hydra' }
  $answer = @(& $program __complete powershell $line 2>$null)
  $answer | Select-Object -Skip 1 | ForEach-Object {
    $text, $about = $_ -split "\`t", 2
    if (-not $about) { $about = $text }
    [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $about)
  }
}`;

/** The script that makes a shell ask this program, without a line break at its end. */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
  powershell: POWERSHELL,
};
