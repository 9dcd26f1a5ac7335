const toStderr = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
let print = toStderr;

/** A line on stderr, above the bars where some are drawn. */
export function say(text: string): void {
  print(text);
}

/** From here on lines are printed this way; undefined: to stderr as it is. */
export function sayThrough(printer: ((text: string) => void) | undefined): void {
  print = printer ?? toStderr;
}
