import { describe, expect, it } from 'vitest';
import { concat, encodeCbor } from '../../../src/bytes/index.ts';
import { hashLabel } from '../../../src/crypto/hash.ts';
import { MAX_LIST } from '../../../src/envelope/format/limits.ts';
import { encodeBlock, readBlock } from '../../../src/envelope/format/recipient-block.ts';
import { decodeRecipients } from '../../../src/envelope/format/recipients.ts';
import { listOf, NO_NAME, random, refused } from './objects.ts';

const bind = random(32);
const list = listOf(3000);
const block = encodeBlock(list, bind, 'x');

describe('recipient block (SPEC section 11)', () => {
  it('is H("waxseal/1 recipients", bind ‖ list) ‖ list', () => {
    expect(block).toEqual(concat(hashLabel('waxseal/1 recipients', bind, list), list));
  });

  it('is read as a slot without a generation', () => {
    expect(readBlock(block, block.length, bind, 'x')).toEqual({
      bytes: block,
      slot: { index: 0, generation: 0, recipients: decodeRecipients(list, 'x'), list },
      problem: undefined,
      erased: false,
    });
  });

  it('holds as much as the largest slot', () => {
    expect(encodeBlock(new Uint8Array(MAX_LIST), bind, 'x')).toHaveLength(MAX_LIST + 32);
    refused(
      () => encodeBlock(new Uint8Array(MAX_LIST + 1), bind, 'x'),
      'ERR_SLOT_FULL',
      'the recipients of x need 65473 bytes; 65472 are allowed',
    );
  });

  it('says why it is invalid', () => {
    const changed = block.slice();
    changed[40] = (changed[40] ?? 0) ^ 1;
    const cut = readBlock(block.subarray(0, block.length - 1), block.length, bind, 'x');
    expect(cut).toMatchObject({ slot: undefined, problem: 'they are cut off', erased: false });
    const erased = readBlock(new Uint8Array(block.length), block.length, bind, 'x');
    expect(erased).toMatchObject({ slot: undefined, problem: 'they were erased', erased: true });
    const mismatch = { slot: undefined, problem: 'their hash does not match', erased: false };
    expect(readBlock(changed, block.length, bind, 'x')).toMatchObject(mismatch);
    expect(readBlock(block, block.length, random(32), 'x')).toMatchObject(mismatch);
    const empty = encodeBlock(encodeCbor([]), bind, 'x');
    expect(readBlock(empty, empty.length, bind, 'x')).toMatchObject({
      slot: undefined,
      problem: 'x has 0 recipients; 1 to 32 are allowed',
      erased: false,
    });
  });

  it('hides no error that is not about its bytes', () => {
    const empty = encodeBlock(encodeCbor([]), bind, 'x');
    expect(() => readBlock(empty, empty.length, bind, NO_NAME)).toThrow('no name');
  });
});
