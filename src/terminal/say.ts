const toStderr = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
let print = toStderr;

/** Prints a line on stderr, above the bars if any are drawn. */
export function say(text: string): void {
  print(text);
}

/** Prints lines through `printer` from now on; undefined: directly to stderr. */
export function sayThrough(printer: ((text: string) => void) | undefined): void {
  print = printer ?? toStderr;
}
