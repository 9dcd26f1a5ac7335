/**
 * The text without what could steer a terminal or disguise itself: control characters (escape sequences begin with one), and
 * marks that turn the direction of text or have no width. Names, settings and paths come from files that others wrote.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ');
}
