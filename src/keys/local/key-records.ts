import { toBase64Url } from '../../bytes/index.ts';
import { KEY_STATES, type KeyState } from '../provider.ts';
import { damaged } from './damage.ts';
import { fieldsOf } from './fields.ts';
import { assertKind, type JsonRecord, parseRecord, RECORD_FORMAT } from './record.ts';
import { type RingSecrets, SEALED_KEY_LENGTH } from './ring-secrets.ts';

export const KEY_ID_LENGTH = 16;
export const MAX_VERSION = 99_999_999;
export const MAX_STATES = 9_999;
/** Both kinds of file are about 400 bytes. */
export const MAX_RECORD_BYTES = 2048;

const VERSION_KIND = 'waxseal-key-version';
const STATE_KIND = 'waxseal-key-state';

/** `keys/NAME/00000002.json`: one version of a key. Written once, never changed. */
export interface VersionRecord {
  readonly type: 'version';
  readonly name: string;
  readonly n: number;
  readonly keyId: Uint8Array;
  readonly created: Date;
  readonly sealedKek: Uint8Array;
}

/** `keys/NAME/00000002.state-0001.json`: somebody brought the version to this state. Written once, never changed. */
export interface StateRecord {
  readonly type: 'state';
  readonly name: string;
  readonly n: number;
  readonly keyId: Uint8Array;
  /** When the version was made: known also after its file has been destroyed. */
  readonly created: Date;
  readonly sequence: number;
  readonly state: KeyState;
  readonly at: Date;
}

export type KeyRecord = VersionRecord | StateRecord;

/** The name of a record's file in the folder of its key. */
export function recordFileName({
  n,
  sequence,
}: {
  readonly n: number;
  readonly sequence?: number | undefined;
}): string {
  const version = String(n).padStart(8, '0');
  return sequence === undefined ? `${version}.json` : `${version}.state-${String(sequence).padStart(4, '0')}.json`;
}

/** As recipients name a version: `2.9s0…`, its number and its id. */
export function versionString({ n, keyId }: { readonly n: number; readonly keyId: Uint8Array }): string {
  return `${String(n)}.${toBase64Url(keyId)}`;
}

export function makeRecord(record: KeyRecord, secrets: RingSecrets): JsonRecord {
  const shared = {
    format: RECORD_FORMAT,
    name: record.name,
    n: record.n,
    keyId: toBase64Url(record.keyId),
    created: record.created.toISOString(),
  };
  if (record.type === 'version') {
    return secrets.authenticate({ kind: VERSION_KIND, ...shared, kek: toBase64Url(record.sealedKek) });
  }
  const { sequence, state, at } = record;
  return secrets.authenticate({ kind: STATE_KIND, ...shared, sequence, state, at: at.toISOString() });
}

/**
 * Parses and authenticates a record of a key.
 *
 * @throws WaxsealError `ERR_KEYRING_DAMAGED`, `ERR_UNSUPPORTED_VERSION`
 */
export function readRecord(record: JsonRecord, secrets: RingSecrets, path: string): KeyRecord {
  const isState = record.kind === STATE_KIND;
  assertKind(record, isState ? STATE_KIND : VERSION_KIND, path);
  const own = isState ? ['sequence', 'state', 'at'] : ['kek'];
  const fields = fieldsOf(record, ['kind', 'format', 'name', 'n', 'keyId', 'created', 'mac', ...own], path);
  if (!secrets.isAuthentic(record)) throw damaged(path, 'it was changed, or belongs to another keyring');
  const shared = {
    name: fields.text('name'),
    n: fields.integer('n', 1, MAX_VERSION),
    keyId: fields.bytes('keyId', KEY_ID_LENGTH),
    created: fields.date('created'),
  };
  if (!isState) return { type: 'version', ...shared, sealedKek: fields.bytes('kek', SEALED_KEY_LENGTH) };
  const state = KEY_STATES.find((known) => known === fields.text('state'));
  if (state === undefined) throw damaged(path, 'the field state is not valid');
  const sequence = fields.integer('sequence', 1, MAX_STATES);
  return { type: 'state', ...shared, sequence, state, at: fields.date('at') };
}

/** As {@link readRecord}, from the bytes of the file that has to hold exactly this record. */
export function readRecordFile(
  bytes: Uint8Array,
  secrets: RingSecrets,
  path: string,
  expected: { readonly name: string; readonly n: number; readonly sequence?: number | undefined },
): KeyRecord {
  const record = readRecord(parseRecord(bytes, path), secrets, path);
  const sequence = record.type === 'state' ? record.sequence : undefined;
  if (record.name !== expected.name || record.n !== expected.n || sequence !== expected.sequence) {
    throw damaged(path, 'it is the file of another key version');
  }
  return record;
}
