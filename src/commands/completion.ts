import { Argument, Command } from 'commander';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** `clr completion`: a script for the shell, made from the commands and options that there are. */
export const completionCommand = new Command('completion')
  .description('print a script that completes commands and options in a shell')
  .addArgument(new Argument('<shell>', 'which').choices(shells))
  .action((shell: Shell) => {
    process.stdout.write(scripts[shell](completionCommand.parent!));
  });

interface Completed {
  name: string;
  description: string;
  flags: { flag: string; description: string; choices: readonly string[] }[];
}

function completed(program: Command): Completed[] {
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    flags: command
      .createHelp()
      .visibleOptions(command)
      .map(({ long, short, description, argChoices }) => ({
        flag: (long ?? short)!,
        description,
        choices: argChoices ?? [],
      })),
  }));
}

const scripts: Record<Shell, (program: Command) => string> = { bash, zsh, fish };

function bash(program: Command): string {
  const commands = completed(program);
  const cases = commands.map(({ name, flags }) => `    ${name}) words="${flags.map(({ flag }) => flag).join(' ')}" ;;`);
  const choices = allChoices(commands).map(([key, values]) => `    ${key}) words="${values.join(' ')}" ;;`);
  return `_clr() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words=""
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then words="${commands.map(({ name }) => name).join(' ')}"; fi
  case "\${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD-1]}" in
${choices.join('\n')}
  esac
  if [ -z "$words" ]; then case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac; case "$word" in -*) ;; *) words="" ;; esac; fi
  if [ -n "$words" ]; then mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"); fi
}
complete -o default -F _clr clr
`;
}

/** [pattern "command --flag", its choices] */
function allChoices(commands: Completed[]): [string, readonly string[]][] {
  return commands.flatMap(({ name, flags }) =>
    flags
      .filter(({ choices }) => choices.length > 0)
      .map(({ flag, choices }): [string, readonly string[]] => [`"${name} ${flag}"`, choices]),
  );
}

function zsh(program: Command): string {
  const commands = completed(program);
  const described = (text: string) => text.replaceAll(/['\\[\]:]/g, ' ');
  const cases = commands.map(({ name, flags }) => {
    const lines = flags.map(({ flag, description, choices }) => {
      const values = choices.length > 0 ? `:value:(${choices.join(' ')})` : '';
      return `'${flag}[${described(description)}]${values}'`;
    });
    return `    ${name}) _arguments ${lines.join(' ')} '*:file:_files' ;;`;
  });
  const names = commands.map(({ name, description }) => `'${name}:${described(description)}'`);
  return `#compdef clr
_clr() {
  local -a commands=(${names.join(' ')})
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
compdef _clr clr
`;
}

function fish(program: Command): string {
  const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, ' ')}'`;
  const lines = completed(program).flatMap(({ name, description, flags }) => [
    `complete -c clr -n __fish_use_subcommand -f -a ${name} -d ${quoted(description)}`,
    ...flags.map(({ flag, description, choices }) => {
      const values = choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : '';
      const option = flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`;
      return `complete -c clr -n ${quoted(`__fish_seen_subcommand_from ${name}`)} ${option} -d ${quoted(description)}${values}`;
    }),
  ]);
  return `${lines.join('\n')}\n`;
}
