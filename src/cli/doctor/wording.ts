const SHOWN = 5;

/** A path as a word of a shell command. */
export function word(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/** Names for a sentence; of many, the first few and how many more. */
export function listed(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return more > 1 ? `${names.slice(0, SHOWN).join(', ')} and ${String(more)} more` : names.join(', ');
}

/** Permission bits as chmod takes them. */
export function bits(mode: number): string {
  return (mode & 0o777).toString(8).padStart(3, '0');
}
