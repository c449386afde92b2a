/** The resource name of a key, taken apart. */
export interface CryptoKeyName {
  /** The whole of it: `projects/P/locations/L/keyRings/R/cryptoKeys/K`. */
  readonly name: string;
  readonly project: string;
  /** A region such as `europe-west3`, a multi-region such as `eu`, or `global`. */
  readonly location: string;
}

const KEY_NAME =
  /^projects\/([a-z0-9.:-]{1,64})\/locations\/([a-z0-9-]{1,63})\/keyRings\/[a-zA-Z0-9_-]{1,63}\/cryptoKeys\/[a-zA-Z0-9_-]{1,63}$/;

/** The parts of the name of a key; undefined for anything else, names of versions included. */
export function parseKeyName(text: string): CryptoKeyName | undefined {
  const [name, project, location] = KEY_NAME.exec(text) ?? [];
  if (name === undefined || project === undefined || location === undefined) return undefined;
  return { name, project, location };
}

const VERSION = /^[1-9][0-9]{0,9}$/;

/** Whether a text can be the number of a version. */
export function isVersion(text: string): boolean {
  return VERSION.test(text);
}

/** The number in the name of a version of this key; undefined for the name of anything else. */
export function versionOf(name: string | null | undefined, key: string): string | undefined {
  const prefix = `${key}/cryptoKeyVersions/`;
  if (typeof name !== 'string' || !name.startsWith(prefix)) return undefined;
  const version = name.slice(prefix.length);
  return isVersion(version) ? version : undefined;
}
