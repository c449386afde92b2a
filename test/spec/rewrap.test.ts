import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { AttachedHead } from '../../src/envelope/format/head.ts';
import { encodeCbor } from '../../src/bytes/index.ts';
import { readSlot, type Slot } from '../../src/envelope/format/slot.ts';
import { open, rewrap, verify } from '../../src/index.ts';
import { fixedKey, versionOf } from '../vectors/waxseal/make/fixed-key.ts';
import { hexBytes, layoutOf, loadVectors, localKeyOf, sha256Hex, type Vector } from './vectors.ts';
import { attachedHead } from '../support/heads.ts';

/* SPEC sections 14 and 15, on every object of the vectors that opens. */
const folder = mkdtempSync(join(tmpdir(), 'waxseal-spec-rewrap-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const LIMIT = 2 ** 48;
const NEXT = { n: 77, keyId: new Uint8Array(16).fill(7), kek: new Uint8Array(32).fill(9) };

/** The head that a reader uses, without the search: in the vectors either copy is whole. */
function headOf({ object, bind }: Vector): AttachedHead {
  for (let at = 0; at < object.length; at += 4096) {
    try {
      const head = attachedHead(object.subarray(at));
      if (Buffer.compare(head.bind, hexBytes(bind)) === 0) return head;
    } catch {
      continue;
    }
  }
  throw new Error('no head');
}

function slotsOf(object: Uint8Array, { geometry, bind }: AttachedHead): (Slot | undefined)[] {
  const { slotA, slotB, slotSize } = geometry;
  return [slotA, slotB].map(
    (at, index) => readSlot(object.subarray(at, at + slotSize), index as 0 | 1, slotSize, bind, 'x').slot,
  );
}

const bytesOf = (entry: Slot['recipients'][number]): string => Buffer.from(encodeCbor(entry.fields)).toString('hex');

const vectors = loadVectors('positive').filter(
  (vector) => layoutOf(vector) === 'attached' && !/^(?:hpke|quorum)-/.test(vector.name),
);

describe.each(vectors)('$name', (vector) => {
  it('is rewrapped in place: new wraps in both slots, nothing else of it written', async () => {
    const path = join(folder, `${vector.name}.wax`);
    writeFileSync(path, vector.object);
    const head = headOf(vector);
    const before = slotsOf(vector.object, head);
    const old = localKeyOf(vector);
    const key = fixedKey(old.uri, [...old.versions, NEXT]);
    const { changed } = await rewrap(path, key);
    expect(changed).toBe(true);

    const after = new Uint8Array(readFileSync(path));
    const { slotA, head1 } = head.geometry;
    expect(Buffer.compare(after.subarray(0, slotA), vector.object.subarray(0, slotA))).toBe(0);
    expect(Buffer.compare(after.subarray(head1), vector.object.subarray(head1))).toBe(0);
    expect(sha256Hex(await open(after, fixedKey(old.uri, [NEXT])))).toBe(vector.plaintext?.sha256);

    // Both alike, one generation on; at the limit it stays (ATTACKS 25).
    const [a, b] = slotsOf(after, head);
    const highest = Math.max(...before.map((slot) => slot?.generation ?? 0));
    expect([a?.generation, b?.generation]).toEqual(Array(2).fill(Math.min(highest + 1, LIMIT)));
    expect(a?.list).toEqual(b?.list);

    // What is for other keys, or is not understood, is there byte for byte (ATTACKS 7).
    const list = a?.recipients ?? [];
    const kept = list.filter(({ version }) => version !== versionOf(NEXT)).map(bytesOf);
    const original = before.flatMap((slot) => slot?.recipients ?? []).map(bytesOf);
    expect(kept.filter((bytes) => !original.includes(bytes))).toEqual([]);
    const chosen = before.find((slot) => kept.every((bytes) => slot?.recipients.map(bytesOf).includes(bytes)));
    const strangers =
      chosen?.recipients.filter(({ uri, supported, algorithm }) => uri !== old.uri || !supported || algorithm !== 1) ??
      [];
    expect(strangers.map(bytesOf).filter((bytes) => !kept.includes(bytes))).toEqual([]);
    expect(list.filter(({ version }) => version === versionOf(NEXT))).toHaveLength(1);
  });
});

it('after a rewrap, everything that was wrong with slots and entries only is right', async () => {
  for (const vector of vectors.filter(({ name }) => /^recovery-slot|^recipient-bad-tag/.test(name))) {
    const path = join(folder, `${vector.name}.wax`);
    const key = localKeyOf(vector);
    const report = await verify(path, fixedKey(key.uri, [...key.versions, NEXT]));
    expect(report.findings, vector.name).toEqual([]);
  }
});
