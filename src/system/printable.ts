/**
 * The text without what could control a terminal or disguise itself: control characters (escape sequences begin with
 * one), and marks that change the direction of text or have no width; cut after `maxLength` characters. Names, settings and
 * paths come from files that others wrote.
 */
export function printable(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}...` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ');
}
