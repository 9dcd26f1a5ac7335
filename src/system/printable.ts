/**
 * The text without what could control a terminal or disguise itself: control characters (escape sequences begin with
 * one), and marks that change the direction of text or have no width; cut after `most` characters. Names, settings and
 * paths come from files that others wrote.
 */
export function printable(text: string, most = Number.POSITIVE_INFINITY): string {
  const cut = text.length > most ? `${text.slice(0, most)}...` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ');
}
