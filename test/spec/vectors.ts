import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createHash } from 'node:crypto';
import type { KeyProvider } from '../../src/index.ts';
import { type FixedKey, fixedKey, providerOf, type RecordedKey } from '../vectors/waxseal/make/fixed-key.ts';

type RecordedVersion =
  | { readonly version: string; readonly keyId: string; readonly kek: string }
  | { readonly version: string; readonly privateKey: string };

/** A vector as SPEC section 23 describes its record, with its object. */
export interface Vector {
  readonly name: string;
  readonly about: string;
  /** Path of the record. */
  readonly path: string;
  /** The object; of a detached one its header. */
  readonly object: Uint8Array;
  /** Of a detached object, unless the reader is to miss it. */
  readonly payload: Uint8Array | undefined;
  /** Digest of the payload as the record says it. */
  readonly payloadSha256: string | undefined;
  readonly sha256: string;
  readonly keys: readonly {
    readonly uri: string;
    readonly versions: readonly RecordedVersion[];
  }[];
  readonly id: string | null;
  readonly bind: string;
  readonly dataKey: string;
  readonly ok: boolean;
  readonly plaintext?: { readonly size: number; readonly sha256: string };
  readonly context?: Readonly<Record<string, string>>;
  readonly metadata?: { readonly name?: string; readonly mediaType?: string } | null;
  readonly codes?: readonly string[];
}

export const VECTORS = fileURLToPath(new URL('../vectors/waxseal/', import.meta.url));

export const hexBytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
export const sha256Hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export function loadVectors(kind: 'positive' | 'negative'): Vector[] {
  const folder = `${VECTORS}${kind}/`;
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const path = folder + name;
      const record = JSON.parse(readFileSync(path, 'utf8')) as VectorRecord;
      const read = (file: string): Uint8Array => new Uint8Array(readFileSync(folder + file));
      const payload = record.payload === undefined ? undefined : read(record.payload.file);
      return { ...record, path, object: read(record.file), payload, payloadSha256: record.payload?.sha256 };
    });
}

type VectorRecord = Omit<Vector, 'path' | 'object' | 'payload' | 'payloadSha256'> & {
  readonly file: string;
  readonly payload?: { readonly file: string; readonly sha256: string };
};

/** What the verbs open: the object, or header and payload. */
export function sourceOf({ object, payload }: Vector): Uint8Array | { header: Uint8Array; payload: Uint8Array } {
  return payload === undefined ? object : { header: object, payload };
}

/** The layout of a vector, by its name. */
export function layoutOf({ name }: Vector): 'attached' | 'compact' | 'detached' {
  if (name.startsWith('compact-') || name === 'hpke-beside-local') return 'compact';
  return name.startsWith('detached-') ? 'detached' : 'attached';
}

export function keysOf(vector: Vector): KeyProvider[] {
  return vector.keys.map((key) => providerOf(recordedKey(key)));
}

/** The first key of a vector, which is a local one. */
export function localKeyOf(vector: Vector): FixedKey {
  const [first] = vector.keys;
  const key = first === undefined ? undefined : recordedKey(first);
  if (key === undefined || !('versions' in key)) throw new Error(`${vector.name} has no local key`);
  return fixedKey(key.uri, key.versions);
}

function recordedKey({ uri, versions }: Vector['keys'][number]): RecordedKey {
  const [first] = versions;
  if (first !== undefined && 'privateKey' in first) return { uri, privateKey: hexBytes(first.privateKey) };
  const local = versions.flatMap((version) => ('kek' in version ? [version] : []));
  return {
    uri,
    versions: local.map(({ version, keyId, kek }) => ({
      n: Number(version.split('.')[0]),
      keyId: hexBytes(keyId),
      kek: hexBytes(kek),
    })),
  };
}
