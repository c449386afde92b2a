import { describe, expect, it } from 'vitest';
import { concat } from '../../../src/bytes/index.ts';
import { hashLabel } from '../../../src/crypto/hash.ts';
import { bindOf, encodeCore } from '../../../src/envelope/format/core.ts';
import { decodeHead, encodeAttachedHead, encodeBlockHead, isAttached } from '../../../src/envelope/format/head.ts';
import { encodePrefix } from '../../../src/envelope/format/prefix.ts';
import { encodePrelude } from '../../../src/envelope/format/prelude.ts';
import { encodeBlock } from '../../../src/envelope/format/recipient-block.ts';
import { encodeSlot } from '../../../src/envelope/format/slot.ts';
import { listOf, random, refused } from './objects.ts';

const coreBytes = encodeCore({ id: random(16), type: 1, segmentLength: 4096, context: {}, created: 1 });
const meta = random(92);
const floeHeader = concat(Uint8Array.of(0, 0, 0, 0, 16, 0, 0, 0, 0, 32), random(64));
const bind = bindOf(coreBytes);
const parts = { coreBytes, meta, floeHeader, bind };
const list = listOf(3000);
const lengths = { coreLength: coreBytes.length, metaLength: 92, recipientsSize: 3000 };

describe('everything before the segments (SPEC section 10)', () => {
  it('attached: head, both slots, head', () => {
    const head = encodeAttachedHead(parts, 8192);
    const slots = ([0, 1] as const).map((index) => encodeSlot(index, 7, list, 8192, bind, 'x'));
    const prefix = encodePrefix(parts, list, { layout: 'attached', slotSize: 8192, generation: 7 }, 'x');
    expect(prefix).toEqual(concat(head, ...slots, head));
  });

  it('compact: no hash, since the recipients are bound to the core and the header tag to all', () => {
    const prelude = encodePrelude({ layout: 'compact', ...lengths });
    const prefix = encodePrefix(parts, list, { layout: 'compact' }, 'x');
    expect(prefix).toEqual(concat(prelude, coreBytes, meta, encodeBlock(list, bind, 'x'), floeHeader));
    const head = decodeHead(concat(prefix, random(9)), 'x');
    expect(head).toMatchObject({ coreBytes, meta, floeHeader, bind, cleanPadding: true, bytes: prefix });
    expect([isAttached(head), head.geometry.layout]).toEqual([false, 'compact']);
  });

  it('detached: the recipients are last', () => {
    const prelude = encodePrelude({ layout: 'detached', ...lengths });
    const hash = hashLabel('waxseal/1 head', prelude, coreBytes, meta, floeHeader);
    const prefix = encodePrefix(parts, list, { layout: 'detached' }, 'x');
    expect(prefix).toEqual(concat(prelude, hash, coreBytes, meta, floeHeader, encodeBlock(list, bind, 'x')));
    const head = decodeHead(prefix, 'x');
    expect(head).toMatchObject({ coreBytes, meta, floeHeader, bind, cleanPadding: true });
    expect([isAttached(head), head.geometry.layout]).toEqual([false, 'detached']);
  });

  it('is refused when the recipients need more than there is', () => {
    const shape = { layout: 'attached', slotSize: 4096, generation: 1 } as const;
    const message = 'the recipients of x need 4033 bytes and its slots hold 4032';
    refused(() => encodePrefix(parts, listOf(4033), shape, 'x'), 'ERR_SLOT_FULL', message);
    refused(() => encodePrefix(parts, new Uint8Array(65_473), { layout: 'compact' }, 'x'), 'ERR_SLOT_FULL');
  });
});

describe('a head that is refused', () => {
  const forms = {
    attached: encodeAttachedHead(parts, 4096),
    compact: encodeBlockHead(parts, 'compact', list, 'x'),
    detached: encodeBlockHead(parts, 'detached', list, 'x'),
  };

  it.each(Object.entries(forms))('%s: says that it is cut', (layout, bytes) => {
    const end = layout === 'detached' ? bytes.length - 32 - list.length : bytes.length;
    expect(decodeHead(bytes.subarray(0, end), 'x').coreBytes).toEqual(coreBytes);
    refused(() => decodeHead(bytes.subarray(0, end - 1), 'x'), 'ERR_TRUNCATED', 'x ends inside its head');
  });

  it.each(['attached', 'detached'] as const)('%s: says that it is damaged', (layout) => {
    for (const at of [32, 63, 64, 64 + coreBytes.length]) {
      const bytes = forms[layout].slice();
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      refused(() => decodeHead(bytes, 'x'), 'ERR_HEADER_DAMAGED', 'the head of x is damaged');
    }
  });

  it.each(['attached', 'compact', 'detached'] as const)('%s: says that the FLOE header does not fit', (layout) => {
    const other = { ...parts, floeHeader: floeHeader.slice() };
    other.floeHeader[9] = 31;
    const bytes = layout === 'attached' ? encodeAttachedHead(other, 4096) : encodeBlockHead(other, layout, list, 'x');
    const message = 'the FLOE header of x has other parameters than its core';
    refused(() => decodeHead(bytes, 'x'), 'ERR_MALFORMED', message);
  });
});
