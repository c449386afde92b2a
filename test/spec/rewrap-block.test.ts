import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeCbor, equalBytes } from '../../src/bytes/index.ts';
import { decodeHead } from '../../src/envelope/format/head.ts';
import { readBlock } from '../../src/envelope/format/recipient-block.ts';
import type { Recipient } from '../../src/envelope/format/recipients.ts';
import { open, rewrap } from '../../src/index.ts';
import { fixedKey, versionOf } from '../vectors/waxseal/make/fixed-key.ts';
import { layoutOf, loadVectors, localKeyOf, sha256Hex } from './vectors.ts';

/* SPEC section 14 "Replacing", on every compact and detached object of the vectors that opens. */
const folder = mkdtempSync(join(tmpdir(), 'waxseal-spec-rewrap-block-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const NEXT = { n: 77, keyId: new Uint8Array(16).fill(7), kek: new Uint8Array(32).fill(9) };

/** The bytes of an object that a rewrap leaves alone, and its entries. */
function partsOf(object: Uint8Array): { kept: Uint8Array[]; recipients: readonly Recipient[] } {
  const { geometry, floeHeader, coreBytes, meta, bind } = decodeHead(object, 'x');
  if (geometry.layout === 'attached') throw new Error('expected a recipient block');
  const { block, blockLength } = geometry;
  const { slot } = readBlock(object.slice(block, block + blockLength), blockLength, bind, 'x');
  const behind = geometry.layout === 'compact' ? geometry.segments : block + blockLength;
  return {
    kept: [object.slice(0, 20), coreBytes.slice(), meta.slice(), floeHeader.slice(), object.slice(behind)],
    recipients: slot?.recipients ?? [],
  };
}

const bytesOf = (entry: Recipient): string => Buffer.from(encodeCbor(entry.fields)).toString('hex');
const vectors = loadVectors('positive').filter(
  (vector) => layoutOf(vector) !== 'attached' && !/^hpke-|quorum|bytes-behind/.test(vector.name),
);

describe.each(vectors)('$name', (vector) => {
  it('is rewrapped without its payload: another recipient block, everything else byte for byte', async () => {
    const path = join(folder, `${vector.name}.wax`);
    writeFileSync(path, vector.object);
    const old = localKeyOf(vector);
    const { changed } = await rewrap(path, fixedKey(old.uri, [...old.versions, NEXT]));
    expect(changed).toBe(true);

    const after = new Uint8Array(readFileSync(path));
    const [was, is] = [partsOf(vector.object), partsOf(after)];
    expect(is.kept.map((part, i) => equalBytes(part, was.kept[i] ?? new Uint8Array()))).toEqual(Array(5).fill(true));

    const next = fixedKey(old.uri, [NEXT]);
    const { payload } = vector;
    const plaintext = payload === undefined ? await open(after, next) : await open({ header: after, payload }, next);
    expect(sha256Hex(plaintext)).toBe(vector.plaintext?.sha256);

    // What is for other keys, or is not understood, is there byte for byte (ATTACKS 7).
    const mine = ({ uri, supported, algorithm }: Recipient): boolean => uri === old.uri && supported && algorithm === 1;
    const strangers = was.recipients.filter((entry) => !mine(entry)).map(bytesOf);
    expect(is.recipients.filter(({ version }) => version !== versionOf(NEXT)).map(bytesOf)).toEqual(strangers);
    expect(is.recipients.filter(({ version }) => version === versionOf(NEXT))).toHaveLength(1);
  });
});
