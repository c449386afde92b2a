import { damaged } from './damage.ts';
import { WaxsealError } from '../../errors/index.ts';

/** What the JSON files of a keyring hold. Numbers are unsigned integers. */
export type RecordValue = string | number | readonly RecordValue[] | { readonly [field: string]: RecordValue };
export type JsonRecord = { readonly [field: string]: RecordValue };

/** All files of a keyring say what they are and in which format. */
export const RECORD_FORMAT = 1;

/** Compact JSON with sorted names (RFC 8785 for the values that a record may hold): what a MAC is computed over. */
export function canonicalJson(value: RecordValue): string {
  return JSON.stringify(sorted(value));
}

/** A record without one of its fields. */
export function without(record: JsonRecord, field: string): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== field));
}

/** The bytes of a record's file. There is exactly one spelling, so that a reader can demand it. */
export function serializeRecord(record: JsonRecord): Uint8Array {
  return new Uint8Array(Buffer.from(`${JSON.stringify(sorted(record), undefined, 2)}\n`));
}

function sorted(value: RecordValue): RecordValue {
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (isArray(value)) return value.map(sorted);
  const names = Object.keys(value).sort();
  // From entries: an assignment to "__proto__" would vanish.
  return Object.fromEntries(names.map((name) => [name, sorted(value[name] as RecordValue)]));
}

function isArray(value: RecordValue): value is readonly RecordValue[] {
  return Array.isArray(value);
}

/**
 * Parses the file of a record. The value is written again and compared byte for byte: duplicate names, other spacing,
 * other escapes and everything else that a lenient parser forgives is refused.
 *
 * @throws WaxsealError `ERR_KEYRING_DAMAGED`
 */
export function parseRecord(bytes: Uint8Array, path: string): JsonRecord {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw damaged(path, 'it is not JSON', cause);
  }
  if (!isRecordValue(value, 0) || typeof value !== 'object' || Array.isArray(value)) {
    throw damaged(path, 'it is not a record of a keyring');
  }
  if (Buffer.compare(serializeRecord(value as JsonRecord), bytes) !== 0) {
    throw damaged(path, 'it was edited or holds bytes that Waxseal did not write');
  }
  return value as JsonRecord;
}

const MAX_DEPTH = 6;

function isRecordValue(value: unknown, depth: number): value is RecordValue {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
  if (typeof value !== 'object' || value === null || depth >= MAX_DEPTH) return false;
  return Object.values(value).every((item) => isRecordValue(item, depth + 1));
}

/**
 * Checks kind and format of a record before anything else is looked at.
 *
 * @throws WaxsealError `ERR_UNSUPPORTED_VERSION` for a later format, `ERR_KEYRING_DAMAGED` for another kind
 */
export function assertKind(record: JsonRecord, kind: string, path: string): void {
  if (record.kind !== kind) throw damaged(path, `it is not a ${kind} file`);
  const { format } = record;
  if (typeof format === 'number' && format > RECORD_FORMAT) {
    throw new WaxsealError(
      'ERR_UNSUPPORTED_VERSION',
      `${path} has format ${String(format)}, which is newer than this waxseal`,
      {
        object: path,
        next: 'upgrade waxseal',
      },
    );
  }
  if (format !== RECORD_FORMAT) throw damaged(path, 'its format is unknown');
}
