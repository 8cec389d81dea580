import type { Shell } from './shells.js'

/**
 * What a shell reads to complete `jankins`: it asks the command itself, so that it never goes out of date. Where the
 * command knows nothing, files are offered.
 */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# jankins completion bash; put it into ~/.bashrc as: source <(jankins completion bash)
_jankins() {
  local IFS=$'\\n' word last= words=()
  # Bash parts --state=RUNNING at the = and takes back only what stands behind it.
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ \${#words[@]} -gt 0 && ( $word == [=:]* || $last == [=:]* ) ]]; then words[-1]+=$word; else words+=("$word"); fi
    last=$word
  done
  [[ $last != [=:]* ]] || last=
  COMPREPLY=($(jankins completion bash -- "\${words[@]}" 2>/dev/null))
  COMPREPLY=("\${COMPREPLY[@]#"\${words[-1]%"$last"}"}")
}
complete -o default -o bashdefault -F _jankins jankins
`,
  zsh: `#compdef jankins
# jankins completion zsh; put it into ~/.zshrc behind compinit as: source <(jankins completion zsh)
_jankins() {
  local -a found
  found=("\${(@f)$(jankins completion zsh -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then
    compadd -Q -V jankins -- "\${found[@]}"
  else
    _files
  fi
}
compdef _jankins jankins
`,
  fish: `# jankins completion fish; put it into ~/.config/fish/completions/jankins.fish
function __jankins_complete
  set -l words (commandline --cut-at-cursor --tokenize) (commandline --cut-at-cursor --current-token)
  set -l found (jankins completion fish -- $words[2..-1] 2>/dev/null)
  if set -q found[1]
    printf '%s\\n' $found
  else
    __fish_complete_path $words[-1]
  end
end
complete --command jankins --no-files --keep-order --arguments '(__jankins_complete)'
`,
}
