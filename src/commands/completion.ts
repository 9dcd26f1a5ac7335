import { readdirSync } from 'node:fs';
import { Argument, Command } from 'commander';
import { shipped } from '../system/root.js';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** `clr completion`: a script for the shell, generated from the existing commands, options and names. */
export const completionCommand = new Command('completion')
  .description('print a script that completes commands, options and names in a shell')
  .addArgument(new Argument('<shell>', 'shell to complete for').choices(shells))
  .action(async (shell: Shell) => {
    const { backendNames } = await import('../backends/index.js');
    const { catalogue } = await import('../config/catalogue.js');
    const types = [...catalogue().map(({ type }) => type), ...backendNames];
    process.stdout.write(scripts[shell](completed(completionCommand.parent!, [...new Set(types)], backendNames)));
  });

/** A command with the words that can be completed; without words, files are completed. */
interface Completed {
  name: string;
  description: string;
  flags: { flag: string; description: string; value: boolean; words: readonly string[] }[];
  words: readonly string[];
}

function completed(program: Command, types: string[], backends: string[]): Completed[] {
  const configs = readdirSync(shipped('configs')).flatMap((file) => /^(.*(?<!schema))\.json$/.exec(file)?.[1] ?? []);
  return program.commands.map((command) => {
    const argument = command.registeredArguments[0];
    const named = { config: configs, type: types }[argument?.name() ?? ''];
    return {
      name: command.name(),
      description: command.description(),
      words: argument?.argChoices ?? named ?? [],
      flags: command
        .createHelp()
        .visibleOptions(command)
        .map(({ long, short, description, argChoices, required, optional }) => ({
          flag: (long ?? short)!,
          description,
          value: required || optional,
          words: argChoices ?? (long === '--backend' ? ['auto', ...backends] : []),
        })),
    };
  });
}

const scripts: Record<Shell, (commands: Completed[]) => string> = { bash, zsh, fish };

/** If no word matches, bash completes files. */
function bash(commands: Completed[]): string {
  const values = commands.flatMap(({ name, flags }) =>
    flags.filter(({ value }) => value).map(({ flag, words }) => `    "${name} ${flag}") words="${words.join(' ')}" ;;`),
  );
  const cases = commands.map(
    ({ name, flags, words }) =>
      `    "${name} -"*) words="${flags.map(({ flag }) => flag).join(' ')}" ;;\n    "${name} "*) words="${words.join(' ')}" ;;`,
  );
  return `_clr() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words=""
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then words="${commands.map(({ name }) => name).join(' ')}"; else
  case "\${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD-1]}" in
${values.join('\n')}
    *) case "\${COMP_WORDS[1]} $word" in
${cases.join('\n')}
    esac ;;
  esac; fi
  if [ -n "$words" ]; then mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"); fi
}
complete -o default -F _clr clr
`;
}

function zsh(commands: Completed[]): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const described = (text: string) => text.replaceAll(/[\\[\]:]/g, '\\$&');
  const orFiles = (words: readonly string[]) => (words.length > 0 ? ` _clr_words ${words.join(' ')}` : '_files');
  const cases = commands.map(({ name, flags, words }) => {
    const lines = flags.map(({ flag, description, value, words }) => {
      const values = words.length > 0 ? `(${words.join(' ')})` : '_files';
      return quoted(`${flag}[${described(description)}]${value ? `:value:${values}` : ''}`);
    });
    return `    ${name}) _arguments ${lines.join(' ')} ${quoted(`*:file:${orFiles(words)}`)} ;;`;
  });
  const names = commands.map(({ name, description }) => quoted(`${name}:${described(description)}`));
  return `#compdef clr
_clr_words() { compadd -- "$@"; _files }
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

function fish(commands: Completed[]): string {
  const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
  const lines = commands.flatMap(({ name, description, flags, words }) => {
    const within = `complete -c clr -n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `complete -c clr -n __fish_use_subcommand -f -a ${name} -d ${quoted(description)}`,
      ...(words.length > 0 ? [`${within} -a ${quoted(words.join(' '))}`] : []),
      ...flags.map(({ flag, description, value, words }) => {
        const values = words.length > 0 ? ` -x -a ${quoted(words.join(' '))}` : value ? ' -r' : '';
        return `${within} -l ${flag.slice(2)} -d ${quoted(description)}${values}`;
      }),
    ];
  });
  return `${lines.join('\n')}\n`;
}
