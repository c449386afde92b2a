import { describe, expect, it } from 'vitest';
import { concat } from '../../../src/bytes/index.ts';
import { hashLabel, sha256 } from '../../../src/crypto/hash.ts';
import { bindOf, encodeCore } from '../../../src/envelope/format/core.ts';
import { decodeHead, encodeAttachedHead, objectAad } from '../../../src/envelope/format/head.ts';
import { random, refused } from './objects.ts';

const core = encodeCore({ id: random(16), type: 1, segmentLength: 4096, context: {}, created: 1 });
const meta = random(92);
const floeHeader = concat(Uint8Array.of(0, 0, 0, 0, 16, 0, 0, 0, 0, 32), random(64));
const parts = { coreBytes: core, meta, floeHeader, bind: bindOf(core) };
const head = encodeAttachedHead(parts, 4096);

describe('head (SPEC sections 4 and 10)', () => {
  it('holds its parts where the layout says', () => {
    expect(head.length).toBe(4096);
    expect(head.subarray(32, 64)).toEqual(hashLabel('waxseal/1 head', head.subarray(0, 32), core, meta, floeHeader));
    expect(head.subarray(64, 64 + core.length)).toEqual(core);
    expect(head.subarray(64 + core.length, 64 + core.length + 92)).toEqual(meta);
    expect(head.subarray(4096 - 74)).toEqual(floeHeader);
    expect(decodeHead(head, 'x')).toMatchObject({
      meta,
      floeHeader,
      cleanPadding: true,
      geometry: { headLength: 4096 },
    });
  });

  it('FLOE AAD has 81 bytes and binds core and metadata', () => {
    const bind = hashLabel('waxseal/1 bind', core);
    expect(objectAad(bind, meta)).toEqual(concat(new TextEncoder().encode('waxseal/1 object\0'), bind, sha256(meta)));
    expect(objectAad(bind, meta).length).toBe(81);
  });

  it('is read with anything behind it, and not when it is cut', () => {
    expect(decodeHead(concat(head, random(100)), 'x').bytes).toEqual(head);
    refused(() => decodeHead(head.subarray(0, 4095), 'x'), 'ERR_TRUNCATED');
  });

  it('every bit that means something is under the hash; padding is not, and is told', () => {
    const used = 64 + core.length + meta.length;
    for (let at = 0; at < head.length; at += 1) {
      const changed = head.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      if (at >= used && at < head.length - 74) expect(decodeHead(changed, 'x').cleanPadding).toBe(false);
      else expect(() => decodeHead(changed, 'x')).toThrow();
    }
  });

  it('refuses a FLOE header for other parameters than the core says, before a key is used', () => {
    for (const at of [0, 1, 2, 5, 6, 9]) {
      const other = floeHeader.slice();
      other[at] = (other[at] ?? 0) ^ 1;
      refused(() => decodeHead(encodeAttachedHead({ ...parts, floeHeader: other }, 4096), 'x'), 'ERR_MALFORMED');
    }
  });
});
