import type { CallOptions, KeyDescription, KeyState, KeyVersion } from '../../src/keys/provider.ts';
import { fieldsOf, type TransitCalls } from './transit.ts';

/** What Transit says about a key. */
export interface TransitKeyFacts {
  readonly type: string;
  readonly derived: boolean;
  readonly convergent: boolean;
  readonly latest: number;
  readonly minDecryption: number;
  /** Numbers of the versions that exist, the oldest first, and when they were made. */
  readonly versions: readonly (readonly [number, Date | undefined])[];
}

/** Reads the key (policy: `read` on `keys/KEY`). */
export async function readKey(calls: TransitCalls, key: string, options: CallOptions): Promise<TransitKeyFacts> {
  const data = await calls.send('GET', `keys/${key}`, undefined, options);
  const { type, derived, convergent_encryption: convergent, latest_version: latest } = data;
  const minDecryption = data['min_decryption_version'];
  if (typeof type !== 'string' || !isVersion(latest) || typeof minDecryption !== 'number') {
    throw calls.malformed('it does not describe a key');
  }
  const versions = Object.entries(fieldsOf(data['keys']))
    .map(([number, made]) => [Number(number), dateOf(made)] as const)
    .filter(([number]) => Number.isSafeInteger(number) && number > 0)
    .sort(([a], [b]) => a - b);
  return { type, derived: derived === true, convergent: convergent === true, latest, minDecryption, versions };
}

/** A server that counts further than this is none. */
const MAX_VERSIONS = 100_000;

function isVersion(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= MAX_VERSIONS;
}

/** Seconds since 1970, or a text, or an object with `creation_time` for keys with a public part. */
function dateOf(made: unknown): Date | undefined {
  const date = typeof made === 'number' ? new Date(made * 1000) : typeof made === 'string' ? new Date(made) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date;
}

/** As the port gives it. */
export function describeKey(uri: string, facts: TransitKeyFacts): KeyDescription {
  const { latest, minDecryption } = facts;
  const state = (number: number): KeyState =>
    number < minDecryption ? 'suspended' : number === latest ? 'active' : 'deactivated';
  // Versions below min_decryption_version are archived: the server lists them no more, but they exist.
  const made = new Map(facts.versions);
  const versions = Array.from({ length: latest }, (_, at): KeyVersion => {
    const number = at + 1;
    return { version: String(number), label: String(number), state: state(number), created: made.get(number) };
  });
  return {
    uri,
    currentVersion: String(latest),
    versions,
    protectionLevel: facts.type === 'managed_key' ? 'external' : 'software',
    lastRotated: latest > 1 ? made.get(latest) : undefined,
  };
}
