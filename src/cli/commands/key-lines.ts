import type { KeyDescription } from '../../keys/provider.ts';

/** A key as it stands in documents. */
export function document(key: KeyDescription): object {
  const { uri, currentVersion, versions, protectionLevel, lastRotated } = key;
  return { uri, currentVersion, lastRotated, protectionLevel, versions };
}

/** A day, for people. */
export function day(date: Date | undefined): string {
  return date === undefined ? 'never' : date.toISOString().slice(0, 10);
}
