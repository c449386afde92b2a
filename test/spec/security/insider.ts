/** Objects as somebody makes them who holds the data key. */
import { randomFillSync } from 'node:crypto';
import { type CborMap, type CborValue, concat, encodeCbor } from '../../../src/bytes/index.ts';
import { encryptSegment, startEncryption } from '../../../src/crypto/floe/segments.ts';
import { bindOf } from '../../../src/envelope/format/core.ts';
import { objectAad } from '../../../src/envelope/format/head.ts';
import { sealMeta } from '../../../src/envelope/format/meta.ts';
import {
  encodeRecipients,
  entryTagKey,
  makeRecipient,
  type Recipient,
} from '../../../src/envelope/format/recipients.ts';
import type { KeyProvider } from '../../../src/index.ts';
import { objectOf, type Parts, plaintext, type Sealed, SEGMENT } from './objects.ts';

export const random = (length: number): Uint8Array => randomFillSync(new Uint8Array(length));

/** An object of one segment of 100 bytes, its core as given, its entries as `entries` makes them. */
export async function crafted(
  layout: Parts['layout'],
  dataKey: Uint8Array,
  fields: CborMap,
  entries: (bind: Uint8Array) => Promise<Uint8Array>,
): Promise<Sealed> {
  const core = encodeCbor(fields);
  const none = new Uint8Array(0);
  const { state, header } = startEncryption(dataKey, objectAad(bindOf(core), none), { segmentLength: SEGMENT });
  const segments = encryptSegment(state, plaintext.subarray(0, 100), 0, true);
  return objectOf({ layout, core, meta: none, floeHeader: header, list: await entries(bindOf(core)), segments });
}

/** A core of a type that keeps all rules. */
export function fieldsOf(type: number): CborMap {
  const fields = new Map<number, CborValue>([
    [1, 1],
    [2, random(16)],
    [3, type],
    [4, 1],
    [5, SEGMENT],
    [6, new Map()],
    [7, 0],
    [8, 100],
  ]);
  if (type === 2)
    fields.set(
      9,
      new Map<number, CborValue>([
        [1, random(16)],
        [2, 1],
      ]),
    );
  return fields;
}

/** An entry, tagged with the data key that it wraps or with another one. */
export async function entryFor(
  key: KeyProvider,
  dataKey: Uint8Array,
  bind: Uint8Array,
  tagged = dataKey,
): Promise<Recipient> {
  return makeRecipient(await key.wrap(dataKey, bind), 0, entryTagKey(tagged, bind));
}

/** Of the length of `plaintext`. */
export const forgedText = plaintext.map((byte) => byte ^ 0x55);

/** The object with another payload, under any data key: what whoever holds that key can write. */
export async function repayloaded(
  parts: Parts,
  dataKey: Uint8Array,
  metadata: string,
  keys: readonly KeyProvider[],
): Promise<Sealed> {
  const bind = bindOf(parts.core);
  const meta = sealMeta({ name: metadata }, dataKey, bind);
  const { state, header: floeHeader } = startEncryption(dataKey, objectAad(bind, meta), { segmentLength: SEGMENT });
  const full = SEGMENT - 32;
  const pieces = [0, 1, 2].map((i) => encryptSegment(state, forgedText.subarray(i * full, (i + 1) * full), i, i === 2));
  const tagKey = entryTagKey(dataKey, bind);
  const entries = await Promise.all(keys.map(async (key) => makeRecipient(await key.wrap(dataKey, bind), 0, tagKey)));
  const list = keys.length === 0 ? parts.list : encodeRecipients(entries);
  return objectOf({ ...parts, meta, floeHeader, list, segments: concat(...pieces) });
}
