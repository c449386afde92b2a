import { fromBase64Url } from '../../bytes/index.ts';
import { damaged } from './damage.ts';
import type { JsonRecord, RecordValue } from './record.ts';

/** Typed access to the fields of a record; everything unexpected is `ERR_KEYRING_DAMAGED`. */
export interface Fields {
  text(name: string): string;
  bytes(name: string, length: number): Uint8Array;
  integer(name: string, min: number, max: number): number;
  /** An instant in the one spelling of `toISOString`. */
  date(name: string): Date;
  record(name: string): JsonRecord;
  list(name: string): readonly RecordValue[];
}

/** Checks that a record has exactly the fields `names`: unknown ones are refused like missing ones. */
export function fieldsOf(record: JsonRecord, names: readonly string[], path: string): Fields {
  for (const name of Object.keys(record)) {
    if (!names.includes(name)) throw damaged(path, `it has the unknown field ${JSON.stringify(name.slice(0, 40))}`);
  }
  for (const name of names) if (!Object.hasOwn(record, name)) throw damaged(path, `the field ${name} is missing`);

  const wrong = (name: string): Error => damaged(path, `the field ${name} is not valid`);
  const text = (name: string): string => {
    const value = record[name];
    if (typeof value !== 'string') throw wrong(name);
    return value;
  };
  return {
    text,
    bytes(name, length) {
      const bytes = fromBase64Url(text(name));
      if (bytes?.length !== length) throw wrong(name);
      return bytes;
    },
    integer(name, min, max) {
      const value = record[name];
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) throw wrong(name);
      return value;
    },
    date(name) {
      const value = text(name);
      const date = new Date(value);
      if (Number.isNaN(date.getTime()) || date.toISOString() !== value) throw wrong(name);
      return date;
    },
    record(name) {
      const value = record[name];
      if (typeof value !== 'object' || Array.isArray(value)) throw wrong(name);
      return value as JsonRecord;
    },
    list(name) {
      const value = record[name];
      if (!Array.isArray(value)) throw wrong(name);
      return value as readonly RecordValue[];
    },
  };
}
